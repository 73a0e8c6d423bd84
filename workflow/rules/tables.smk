# The tables: they name the runs, and so everything above.

TABLE3 = CONFIG.tables.table3
TABLE3_RUNS = plan.table3_runs(CONFIG)


rule table3:
    input:
        scores=[
            f"<results>/runs/{run.folder}/scores/{TABLE3.benchmark}/references.csv"
            for run in TABLE3_RUNS
        ],
        cards=cards_of(TABLE3_RUNS),  # not read, but made along
    output:
        csv=embedded("<results>/table3.csv", "table3"),
        differences=embedded("<results>/table3.differences.csv", "table3_differences"),
        markdown="<results>/table3.md",
        latex="<results>/table3.tex",
    log:
        "<results>/logs/table3.log",
    params:
        rows=lambda wildcards, input: plan.labelled("score", TABLE3_RUNS, input.scores),
        settings=lambda wildcards: as_json(
            benchmark=TABLE3.benchmark,
            model=CONFIG.model,
            note=plan.untrained_in(CONFIG, TABLE3.methods)["note"],
            statistics=CONFIG.statistics,
        ),
    shell:
        "asft --log {log} table3 --settings {params.settings:q} {params.rows} --out {output.csv}"


if CONFIG.tables.table2:
    TABLE2 = CONFIG.tables.table2
    TABLE2_CELLS = [
        (method, seed, benchmark, judge, folder)
        for method, seed, folder in plan.table2_contestants(CONFIG)
        for benchmark, judge in plan.table2_columns(CONFIG)
    ]

    AGREEMENTS = plan.agreements(CONFIG)

    rule table2:
        input:
            scores=[
                f"<results>/runs/{folder}/scores/{benchmark}/{judge}.csv"
                for _, _, benchmark, judge, folder in TABLE2_CELLS
            ],
            cards=cards_of(
                plan.Run(TABLE2.dataset, method, CONFIG.seeds[0])
                for method in TABLE2.methods
                if method in CONFIG.methods
            ),
            agreements=[
                f"<results>/{plan.agreement_file(judge)}" for _, judge in AGREEMENTS
            ],
        output:
            csv=embedded("<results>/table2.csv", "table2"),
            differences=embedded(
                "<results>/table2.differences.csv", "table2_differences"
            ),
            paper="<results>/table2.paper.csv",
            markdown="<results>/table2.md",
            latex="<results>/table2.tex",
        log:
            "<results>/logs/table2.log",
        params:
            # In one parameter: a rule of another text would redo its job.
            rows=lambda wildcards, input: " ".join(
                [
                    plan.labelled(
                        "score", [cell[:4] for cell in TABLE2_CELLS], input.scores
                    )
                ]
                + [plan.labelled("agreement", AGREEMENTS, input.agreements)]
                * bool(AGREEMENTS)
            ),
            settings=lambda wildcards: as_json(
                model=CONFIG.model,
                **plan.untrained_in(CONFIG, TABLE2.methods),
                dataset=TABLE2.dataset,
                min_coverage=TABLE2.min_coverage,
                statistics=CONFIG.statistics,
            ),
        shell:
            "asft --log {log} table2 --settings {params.settings:q} {params.rows}"
            " --out {output.csv}"

    TABLE1_ROWS = plan.table1_rows(CONFIG)

    rule table1:
        input:
            questions=[
                f"<results>/benchmarks/{benchmark}/questions.jsonl"
                for benchmark, *_ in TABLE1_ROWS
            ],
            baselines=[
                f"<results>/benchmarks/{benchmark}/judge"
                for benchmark, *_ in TABLE1_ROWS
                if is_pairwise(benchmark)
            ],
        output:
            csv=embedded("<results>/table1.csv", "table1"),
            markdown="<results>/table1.md",
            latex="<results>/table1.tex",
        log:
            "<results>/logs/table1.log",
        params:
            settings=lambda wildcards, input: as_json(
                model=CONFIG.model,
                note=CONFIG.note,
                benchmarks=list(map(with_files, TABLE1_ROWS, input.questions)),
            ),
        shell:
            "asft --log {log} table1 --settings {params.settings:q} --out {output.csv}"


if CONFIG.tables.table4:
    TABLE4 = CONFIG.tables.table4

    TABLE4_CELLS = [
        (*run, benchmark, run.folder)
        for run in plan.table4_runs(CONFIG)
        for benchmark in TABLE4.benchmarks
    ]
    REFUSAL_FILES = refusal_files(TABLE4_CELLS)

    rule table4:
        input:
            scores=[table4_file(cell, "csv") for cell in TABLE4_CELLS],
            results=[table4_file(cell, "results.json") for cell in TABLE4_CELLS],
            refusals=list(REFUSAL_FILES.values()),
        output:
            csv=embedded("<results>/table4.csv", "table4"),
            differences=embedded(
                "<results>/table4.differences.csv", "table4_differences"
            ),
            markdown="<results>/table4.md",
            latex="<results>/table4.tex",
        log:
            "<results>/logs/table4.log",
        params:
            # In one parameter: a rule of another text would redo its job.
            rows=lambda wildcards, input: " ".join(
                [
                    plan.labelled(
                        "score", [cell[:-1] for cell in TABLE4_CELLS], input.scores
                    )
                ]
                + [plan.labelled("refusals", list(REFUSAL_FILES), input.refusals)]
                * bool(REFUSAL_FILES)
            ),
            settings=lambda wildcards: as_json(
                model=CONFIG.model,
                note=plan.untrained_in(CONFIG, TABLE4.methods)["note"],
                chat_template={
                    name: getattr(CONFIG.benchmarks[name], "chat_template", None)
                    for name in TABLE4.benchmarks
                },
                statistics=CONFIG.statistics,
            ),
        shell:
            "asft --log {log} table4 --settings {params.settings:q} {params.rows}"
            " --out {output.csv}"
