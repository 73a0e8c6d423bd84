# Several base models: the experiment of each in <results>/{model}, and their tables joined.

EXPERIMENTS = plan.experiments(config)
BY_MODEL = {name: plan.load(own) for name, own in EXPERIMENTS.items()}


# Before the rules are made, since that reads them.
placed_by_model(workflow.resource_settings.overwrite_resources, EXPERIMENTS)
placed_by_model(workflow.resource_settings.overwrite_threads, EXPERIMENTS)

for MODEL, OWN in EXPERIMENTS.items():
    PREFIX = f"{MODEL}_"  # of its rules' names

    module:
        name: MODEL
        pathvars:
            results=OWN["results"],
        snakefile:
            "../../Snakefile"
        config:
            OWN

    use rule * from MODEL as PREFIX*


grouped_by_model(EXPERIMENTS)

WITH_TABLE2 = [name for name, own in BY_MODEL.items() if own.tables.table2]
WITH_TABLE4 = [name for name, own in BY_MODEL.items() if own.tables.table4]
PANELS = list(
    dict.fromkeys(
        (benchmark, judge, own.benchmarks[benchmark].protocol)
        for own in BY_MODEL.values()
        for benchmark, judge in plan.table2_columns(own)
    )
)
SIZES = {name: size_of(name) for name in BY_MODEL}


WANTED = [
    *(rules.__getattr__(f"{model}_all").input for model in BY_MODEL),
    "<results>/table3.csv",
    *(["<results>/table2.csv"] if WITH_TABLE2 else []),
    *(["<results>/table4.csv"] if WITH_TABLE4 else []),
    "<results>/figure_ranks.pdf",
]


rule join_table3:
    input:
        expand("<results>/{model}/table3.csv", model=BY_MODEL),
    output:
        csv=report(
            "<results>/table3.csv", caption="../report/table3.rst", category="Tables"
        ),
        differences="<results>/table3.differences.csv",
        markdown="<results>/table3.md",
        latex="<results>/table3.tex",
    log:
        "<results>/logs/join_table3.log",
    params:
        tables=lambda wildcards, input: plan.labelled("table", zip(BY_MODEL), input),
        settings=as_json(note=CONFIG.note, statistics=CONFIG.statistics),
    shell:
        "asft --log {log} join table3 --settings {params.settings:q} {params.tables}"
        " --out {output.csv}"


if WITH_TABLE2:

    rule join_table2:
        input:
            expand("<results>/{model}/table2.csv", model=WITH_TABLE2),
        output:
            csv=report(
                "<results>/table2.csv",
                caption="../report/table2.rst",
                category="Tables",
            ),
            differences="<results>/table2.differences.csv",
            markdown="<results>/table2.md",
            latex="<results>/table2.tex",
        log:
            "<results>/logs/join_table2.log",
        params:
            tables=lambda wildcards, input: plan.labelled(
                "table", zip(WITH_TABLE2), input
            ),
            settings=as_json(
                note=CONFIG.note,
                statistics=CONFIG.statistics,
                panels=PANELS,
            ),
        shell:
            "asft --log {log} join table2 --settings {params.settings:q} {params.tables}"
            " --out {output.csv}"


if WITH_TABLE4:

    rule join_table4:
        input:
            expand("<results>/{model}/table4.csv", model=WITH_TABLE4),
        output:
            csv=report(
                "<results>/table4.csv",
                caption="../report/table4.rst",
                category="Tables",
            ),
            differences="<results>/table4.differences.csv",
            markdown="<results>/table4.md",
            latex="<results>/table4.tex",
        log:
            "<results>/logs/join_table4.log",
        params:
            tables=lambda wildcards, input: plan.labelled(
                "table", zip(WITH_TABLE4), input
            ),
            settings=as_json(note=CONFIG.note, statistics=CONFIG.statistics),
        shell:
            "asft --log {log} join table4 --settings {params.settings:q} {params.tables}"
            " --out {output.csv}"


rule figure_ranks:
    input:
        table3="<results>/table3.differences.csv",
        table2="<results>/table2.differences.csv" if WITH_TABLE2 else [],
    output:
        pdf="<results>/figure_ranks.pdf",
        png=report(
            "<results>/figure_ranks.png",
            caption="../report/figure_ranks.rst",
            category="Figures",
        ),
        csv="<results>/figure_ranks.csv",
    log:
        "<results>/logs/figure_ranks.log",
    params:
        table2=lambda wildcards, input: (
            f"--table2 {input.table2}" if input.table2 else ""
        ),
        settings=as_json(
            model=", ".join(BY_MODEL),
            note=CONFIG.note,
            methods=[*CONFIG.methods, *CONFIG.policies],
            billion_parameters=SIZES,
            statistics=CONFIG.statistics,
        ),
    shell:
        "asft --log {log} plot ranks --settings {params.settings:q} --table3 {input.table3}"
        " {params.table2} --out {output.pdf}"
