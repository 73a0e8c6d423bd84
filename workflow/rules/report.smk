# The tables: they name the runs, and so everything above.

TABLE3 = CONFIG.tables.table3
TABLE3_RUNS = experiment.table3_runs(CONFIG)


rule table3:
    input:
        [
            f"<results>/runs/{run.folder}/scores/{TABLE3.benchmark}/references.csv"
            for run in TABLE3_RUNS
        ],
    output:
        csv="<results>/table3.csv",
        differences="<results>/table3.differences.csv",
        markdown="<results>/table3.md",
        latex="<results>/table3.tex",
    log:
        "<results>/logs/table3.log",
    params:
        rows=lambda wildcards, input: " ".join(
            f"--score {','.join(map(str, run))}={path}"
            for run, path in zip(TABLE3_RUNS, input)
        ),
        settings=as_json(
            benchmark=TABLE3.benchmark,
            model=CONFIG.model,
            note=CONFIG.note,
            statistics=CONFIG.statistics,
        ),
    shell:
        "asft --log {log} tabulate --settings {params.settings:q} {params.rows} --out {output.csv}"
