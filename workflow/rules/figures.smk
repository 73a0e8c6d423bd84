# The figures: each as pdf, png and the numbers in it as csv.


rule figure1:
    output:
        pdf="<results>/figure1.pdf",
        png=shown("<results>/figure1.png", "figure1"),
        csv="<results>/figure1.csv",
    log:
        "<results>/logs/figure1.log",
    shell:  # without own losses the command of old: nothing is drawn again
        f"asft --log {{log}} plot figure1{own_losses()} --out {{output.pdf}}"


rule figure_training:
    input:
        lambda wildcards: histories(plan.training_runs(CONFIG, wildcards.dataset)),
    output:
        pdf="<results>/figure_training_{dataset}.pdf",
        png=shown("<results>/figure_training_{dataset}.png", "figure_training"),
        csv="<results>/figure_training_{dataset}.csv",
    log:
        "<results>/logs/figure_training_{dataset}.log",
    params:
        histories=lambda wildcards, input: plan.labelled(
            "history",
            [run[1:] for run in plan.training_runs(CONFIG, wildcards.dataset)],
            input,
        ),
        settings=lambda wildcards: captioned(
            dataset=wildcards.dataset,
            **plan.starts_shown(CONFIG, plan.training_runs(CONFIG, wildcards.dataset)),
        ),
    shell:
        "asft --log {log} plot training --settings {params.settings:q} {params.histories}"
        " --out {output.pdf}"


rule figure_differences:
    input:
        table3="<results>/table3.differences.csv",
        table2="<results>/table2.differences.csv" if CONFIG.tables.table2 else [],
    output:
        pdf="<results>/figure_differences.pdf",
        png=shown("<results>/figure_differences.png", "figure_differences"),
        csv="<results>/figure_differences.csv",
    log:
        "<results>/logs/figure_differences.log",
    params:
        table2=lambda wildcards, input: (
            f"--table2 {input.table2}" if input.table2 else ""
        ),
        settings=lambda wildcards: captioned(statistics=CONFIG.statistics),
    shell:
        "asft --log {log} plot differences --settings {params.settings:q} --table3 {input.table3}"
        " {params.table2} --out {output.pdf}"


if CONFIG.figures.margins:
    MARGIN_RUNS = plan.margin_runs(CONFIG)

    rule figure2a:
        input:
            histories(MARGIN_RUNS),
        output:
            pdf="<results>/figure2a.pdf",
            png=shown("<results>/figure2a.png", "figure2a"),
            csv="<results>/figure2a.csv",
        log:
            "<results>/logs/figure2a.log",
        params:
            histories=lambda wildcards, input: plan.labelled(
                "history", [run[1:] for run in MARGIN_RUNS], input
            ),
            settings=lambda wildcards: captioned(
                dataset=CONFIG.figures.margins.dataset,
                **plan.starts_shown(CONFIG, MARGIN_RUNS),
            ),
        shell:
            "asft --log {log} plot figure2a --settings {params.settings:q} {params.histories}"
            " --out {output.pdf}"


if CONFIG.figures.cost:
    COST = CONFIG.figures.cost

    rule figure2b:
        input:
            expand(
                "<results>/cost/{dataset}/{arm}/repeat{n}.json",
                dataset=COST.dataset,
                arm=plan.cost_arms(CONFIG),
                n=range(1, COST.repeats + 1),
            ),
        output:
            pdf="<results>/figure2b.pdf",
            png=shown("<results>/figure2b.png", "figure2b"),
            csv="<results>/figure2b.csv",
        log:
            "<results>/logs/figure2b.log",
        params:
            costs=lambda wildcards, input: " ".join(f"--cost {path}" for path in input),
            settings=lambda wildcards: captioned(
                dataset=COST.dataset,
                gradient_checkpointing=CONFIG.training.gradient_checkpointing,
            ),
        shell:
            "asft --log {log} plot figure2b --settings {params.settings:q} {params.costs}"
            " --out {output.pdf}"


if CONFIG.tables.table4:
    CHOSEN = plan.with_choices(CONFIG)
    CHOICES = [cell for cell in TABLE4_CELLS if cell[-2] in CHOSEN]

    rule figure_refusals:
        input:
            "<results>/table4.csv",
        output:
            pdf="<results>/figure_refusals.pdf",
            png=shown("<results>/figure_refusals.png", "figure_refusals"),
            csv="<results>/figure_refusals.csv",
        log:
            "<results>/logs/figure_refusals.log",
        params:
            # Of what is shown it is told where that is not all: a key more would redo the job.
            settings=lambda wildcards: captioned(
                statistics=CONFIG.statistics,
                **CONFIG.figures.model_dump(include={"refusals"}),
            ),
        shell:
            "asft --log {log} plot refusals --settings {params.settings:q} --table4 {input}"
            " --out {output.pdf}"

    if CHOICES:

        rule figure_calibration:
            input:
                [
                    f"<results>/runs/{cell[-1]}/scores/{cell[-2]}/lm_eval.samples.jsonl"
                    for cell in CHOICES
                ],
            output:
                pdf="<results>/figure_calibration.pdf",
                png=shown("<results>/figure_calibration.png", "figure_calibration"),
                csv="<results>/figure_calibration.csv",
            log:
                "<results>/logs/figure_calibration.log",
            params:
                samples=lambda wildcards, input: plan.labelled(
                    "samples", [cell[:-1] for cell in CHOICES], input
                ),
                settings=lambda wildcards: captioned(statistics=CONFIG.statistics),
            shell:
                "asft --log {log} plot calibration --settings {params.settings:q} {params.samples}"
                " --out {output.pdf}"


if CONFIG.tables.table2:
    TABLE2 = CONFIG.tables.table2
    CASE_RUNS = plan.case_runs(CONFIG)
    CASE_JUDGE = TABLE2.mt_bench_judges[0]

    rule figure3:
        input:
            questions=f"<results>/benchmarks/{TABLE2.mt_bench}/questions.jsonl",
            completions=[
                f"<results>/runs/{folder}/completions/{TABLE2.mt_bench}.jsonl"
                for _, _, folder in CASE_RUNS
            ],
            verdicts=[
                f"<results>/runs/{folder}/verdicts/{TABLE2.mt_bench}/{CASE_JUDGE}.jsonl"
                for _, _, folder in CASE_RUNS
            ],
        output:
            pdf="<results>/figure3.pdf",
            png=shown("<results>/figure3.png", "figure3"),
            csv="<results>/figure3.csv",
        log:
            "<results>/logs/figure3.log",
        params:
            completions=lambda wildcards, input: plan.labelled(
                "completions", [row[:2] for row in CASE_RUNS], input.completions
            ),
            verdicts=lambda wildcards, input: plan.labelled(
                "verdicts", [row[:2] for row in CASE_RUNS], input.verdicts
            ),
            settings=lambda wildcards: captioned(judge=CASE_JUDGE),
        shell:
            "asft --log {log} plot figure3 --settings {params.settings:q}"
            " --questions {input.questions} {params.completions} {params.verdicts}"
            " --out {output.pdf}"

    rule figure_judged:
        input:
            scores=lambda wildcards: [
                f"<results>/runs/{folder}/scores/{benchmark}/{judge}.csv"
                for _, _, benchmark, judge, folder in plan.judged_cells(
                    CONFIG, wildcards.picture
                )
            ],
            table2="<results>/table2.csv",
        output:
            pdf="<results>/figure_{picture}.pdf",
            png=shown("<results>/figure_{picture}.png", "figure_judged"),
            csv="<results>/figure_{picture}.csv",
        log:
            "<results>/logs/figure_{picture}.log",
        wildcard_constraints:
            picture="mt_bench|length",
        params:
            command=lambda wildcards: wildcards.picture.replace("_", "-"),
            scores=lambda wildcards, input: plan.labelled(
                "score",
                [cell[:4] for cell in plan.judged_cells(CONFIG, wildcards.picture)],
                input.scores,
            ),
            settings=lambda wildcards: captioned(statistics=CONFIG.statistics),
        shell:
            "asft --log {log} plot {params.command} --settings {params.settings:q}"
            " {params.scores} --table2 {input.table2} --out {output.pdf}"
