# The experiment of config.yaml: `snakemake --cores all results/table3.csv`.
from snakemake.utils import min_version

min_version("9.27")


configfile: "config.yaml"


pathvars:
    results=config.get("results", "results"),


include: "workflow/rules/common.smk"


wildcard_constraints:
    model=one_of(MODELS),
    dataset=one_of(CONFIG.datasets),
    benchmark=one_of(CONFIG.benchmarks),
    method=one_of(CONFIG.methods),
    seed=r"\d+",
    judge=one_of(CONFIG.judges),
    arm=one_of(plan.cost_arms(CONFIG)),
    repeat=r"\d+",
    kind="null|echo|injection|empty",
    run=RUN,
    contestant=rf"{RUN}|control_(null|echo|injection|empty)",


rule all:
    default_target: True
    input:
        "<results>/table3.csv",
        [f"<results>/table{n}.csv" for n in (1, 2) if CONFIG.tables.table2],
        [f"<results>/{name}.pdf" for name in plan.figure_names(CONFIG)],
        "<results>/report/index.html",
        [
            f"<results>/runs/{run.folder}/model_card.md"
            for dataset in plan.trained_datasets(CONFIG)
            for run in plan.training_runs(CONFIG, dataset)
        ],


include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/generate.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/judge.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"
