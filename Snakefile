# The experiment of config.yaml: `snakemake --cores all results/table3.csv`.
from snakemake.utils import min_version

min_version("9.27")


configfile: "config.yaml"


pathvars:
    results=config.get("results", "results"),


include: "workflow/rules/common.smk"


if CONFIG.base_models:

    include: "workflow/rules/by_model.smk"

else:

    include: "workflow/rules/experiment.smk"


# Here: what an included file says of the default target is forgotten.
rule all:
    default_target: True
    input:
        WANTED,
