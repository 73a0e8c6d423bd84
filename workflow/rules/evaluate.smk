# Scores of a policy's answers, question by question; abilities, which lm-eval asks and scores; policies as
# reward models.


rule score:
    input:
        questions="<results>/benchmarks/{benchmark}/questions.jsonl",
        completions="<results>/runs/{run}/completions/{benchmark}.jsonl",
    output:
        "<results>/runs/{run}/scores/{benchmark}/references.csv",
    log:
        "<results>/logs/score/{run}/{benchmark}/references.log",
    params:
        thinking=thinking_of,
    shell:
        "asft --log {log} score --questions {input.questions} --completions {input.completions}"
        " {params.thinking} --out {output}"


rule lm_eval:
    input:
        policy=lambda wildcards: policy_folder(wildcards.run),
    output:
        scores="<results>/runs/{run}/scores/{benchmark}/lm_eval.csv",
        results="<results>/runs/{run}/scores/{benchmark}/lm_eval.results.json",
        samples="<results>/runs/{run}/scores/{benchmark}/lm_eval.samples.jsonl",
    log:
        "<results>/logs/lm_eval/{run}/{benchmark}.log",
    threads: cores_of(1, CONFIG.generation.threads)
    resources:
        gpu=JOB_GPUS,
        mem_mb=lambda wildcards, attempt: (
            attempt * plan.inference_mb(answering_size(wildcards), JOB_GPUS)
        ),
        # Several benchmarks' worth of questions, one after another.
        runtime=lambda wildcards, attempt: (
            attempt * 4 * plan.inference_minutes(answering_size(wildcards), JOB_GPUS)
        ),
    params:
        settings=abilities_settings,
    shell:
        "asft --log {log} lm-eval --settings {params.settings:q} --policy {input.policy}"
        " --out {output.scores}"


# Benchmarks of completions that policies rank by their log-probabilities.
RANKED = [
    name
    for name, benchmark in CONFIG.benchmarks.items()
    if benchmark.protocol == "implicit_reward"
]


if RANKED:

    rule prepare_comparisons:
        input:
            pairs=heldout_of,
        output:
            comparisons="<results>/benchmarks/{benchmark}/comparisons.jsonl",
            card="<results>/benchmarks/{benchmark}/comparisons.card.json",
        log:
            "<results>/logs/prepare_comparisons/{benchmark}.log",
        wildcard_constraints:
            benchmark=one_of(RANKED),
        params:
            settings=comparison_settings,
            pairs=lambda wildcards, input: (
                f"--pairs {input.pairs}" if input.pairs else ""
            ),
        shell:
            "asft --log {log} prepare-comparisons --settings {params.settings:q}"
            " --name {wildcards.benchmark} {params.pairs} --out {output.comparisons}"

    rule completion_logps:
        input:
            policy=lambda wildcards: policy_folder(wildcards.run),
            comparisons="<results>/benchmarks/{benchmark}/comparisons.jsonl",
        output:
            "<results>/runs/{run}/completion_logps/{benchmark}.parquet",
        log:
            "<results>/logs/completion_logps/{run}/{benchmark}.log",
        wildcard_constraints:
            benchmark=one_of(RANKED),
            run=RUN,
        threads: cores_of(1)
        resources:
            gpu=JOB_GPUS,
            mem_mb=lambda wildcards, attempt: (
                attempt * plan.inference_mb(answering_size(wildcards), JOB_GPUS)
            ),
            runtime=lambda wildcards, attempt: (
                attempt * plan.inference_minutes(answering_size(wildcards), JOB_GPUS)
            ),
        params:
            settings=as_json(
                **REFERENCE_SETTINGS | {"processes": 1}, tokens=CONFIG.tokens
            ),
        shell:
            "asft --log {log} completion-logps --settings {params.settings:q}"
            " --policy {input.policy} --comparisons {input.comparisons} --out {output}"

    rule score_comparisons:
        input:
            comparisons="<results>/benchmarks/{benchmark}/comparisons.jsonl",
            logps="<results>/runs/{run}/completion_logps/{benchmark}.parquet",
            reference=reference_completions,
        output:
            scores="<results>/runs/{run}/scores/{benchmark}/implicit_reward.csv",
            results="<results>/runs/{run}/scores/{benchmark}/implicit_reward.results.json",
            samples="<results>/runs/{run}/scores/{benchmark}/implicit_reward.samples.jsonl",
        log:
            "<results>/logs/score_comparisons/{run}/{benchmark}.log",
        wildcard_constraints:
            benchmark=one_of(RANKED),
            run=RUN,
        params:
            reference=lambda wildcards, input: (
                f"--reference {input.reference}" if input.reference else ""
            ),
        shell:
            "asft --log {log} score-comparisons --name {wildcards.benchmark}"
            " --comparisons {input.comparisons} --logps {input.logps} {params.reference}"
            " --out {output.scores}"
