# Verdicts of judges, and the controls they are tried on. `contestant` is a run or control_{kind}.


rule control:
    input:
        "<results>/benchmarks/{benchmark}/questions.jsonl",
    output:
        "<results>/runs/control_{kind}/completions/{benchmark}.jsonl",
    log:
        "<results>/logs/control/{kind}/{benchmark}.log",
    shell:
        "asft --log {log} control --kind {wildcards.kind} --questions {input} --out {output}"


rule judge:
    input:
        questions="<results>/benchmarks/{benchmark}/questions.jsonl",
        prompts="<results>/benchmarks/{benchmark}/judge",
        completions="<results>/runs/{contestant}/completions/{benchmark}.jsonl",
        model=judge_model,
    output:
        "<results>/runs/{contestant}/verdicts/{benchmark}/{judge}.jsonl",
    log:
        "<results>/logs/judge/{contestant}/{benchmark}/{judge}.log",
    threads: judge_threads
    resources:
        gpu=lambda wildcards: JOB_GPUS if judge_size(wildcards) else 0,
        mem_mb=lambda wildcards, attempt: (
            attempt * plan.inference_mb(judge_size(wildcards), JOB_GPUS)
        ),
        runtime=lambda wildcards, attempt: (
            attempt * plan.inference_minutes(judge_size(wildcards), JOB_GPUS)
        ),
    params:
        settings=judge_settings,
        protocol=lambda wildcards: CONFIG.benchmarks[wildcards.benchmark].protocol,
        folder=subpath(input.questions, parent=True),
        model=judge_flags,
        thinking=thinking_of,
    shell:
        "asft --log {log} judge --settings {params.settings:q} --protocol {params.protocol}"
        " --benchmark {params.folder} --completions {input.completions} {params.model}"
        " {params.thinking} --out {output}"


if MEASURED_ON:

    rule judge_agreement:
        input:
            prompts=lambda wildcards: (
                f"<results>/benchmarks/{MEASURED_ON[wildcards.judge]}/judge"
            ),
            model=judge_model,
        output:
            json="<results>/judges/{judge}/agreement.json",
            pairs="<results>/judges/{judge}/agreement.csv",
            markdown="<results>/judges/{judge}/agreement.md",
            verdicts="<results>/judges/{judge}/agreement.verdicts.jsonl",
        log:
            "<results>/logs/judge_agreement/{judge}.log",
        wildcard_constraints:
            judge=one_of(MEASURED_ON),
        threads: judge_threads
        resources:
            gpu=lambda wildcards: JOB_GPUS if judge_size(wildcards) else 0,
            mem_mb=lambda wildcards, attempt: (
                attempt * plan.inference_mb(judge_size(wildcards), JOB_GPUS)
            ),
            runtime=lambda wildcards, attempt: (
                attempt * plan.inference_minutes(judge_size(wildcards), JOB_GPUS)
            ),
        params:
            settings=judge_settings,
            published=published_settings,
            protocol=measured_protocol,
            prompts=lambda wildcards: plan.PROTOCOLS[
                measured_protocol(wildcards)
            ].prompts,
            model=judge_flags,
            confidence=CONFIG.statistics.confidence,
        shell:
            "asft --log {log} judge-agreement --settings {params.settings:q}"
            " --published {params.published:q} --protocol {params.protocol}"
            " --prompts {input.prompts}/{params.prompts} {params.model}"
            " --confidence {params.confidence} --out {output.json}"


if REFUSAL_JUDGES:

    rule judge_refusals:
        input:
            samples="<results>/runs/{run}/scores/{benchmark}/lm_eval.samples.jsonl",
            model=judge_model,
        output:
            "<results>/runs/{run}/refusals/{benchmark}/{judge}.jsonl",
        log:
            "<results>/logs/judge_refusals/{run}/{benchmark}/{judge}.log",
        wildcard_constraints:
            run=RUN,
            benchmark=one_of(REFUSAL_JUDGES),
        threads: judge_threads
        resources:
            gpu=lambda wildcards: JOB_GPUS if judge_size(wildcards) else 0,
            mem_mb=lambda wildcards, attempt: (
                attempt * plan.inference_mb(judge_size(wildcards), JOB_GPUS)
            ),
            runtime=lambda wildcards, attempt: (
                attempt * plan.inference_minutes(judge_size(wildcards), JOB_GPUS)
            ),
        params:
            settings=judge_settings,
            prompts=refusal_prompts,
            model=judge_flags,
        shell:
            "asft --log {log} judge-refusals --settings {params.settings:q} --samples {input.samples}"
            " --prompts {params.prompts:q} {params.model} --out {output}"


rule score_verdicts:
    input:
        verdicts="<results>/runs/{contestant}/verdicts/{benchmark}/{judge}.jsonl",
        questions="<results>/benchmarks/{benchmark}/questions.jsonl",
        completions="<results>/runs/{contestant}/completions/{benchmark}.jsonl",
        folder="<results>/benchmarks/{benchmark}/judge",
    output:
        "<results>/runs/{contestant}/scores/{benchmark}/{judge}.csv",
    log:
        "<results>/logs/score_verdicts/{contestant}/{benchmark}/{judge}.log",
    params:
        protocol=lambda wildcards: CONFIG.benchmarks[wildcards.benchmark].protocol,
        baseline=lambda wildcards, input: (
            f"--baseline {input.folder}/baseline.jsonl"
            if is_pairwise(wildcards.benchmark)
            else ""
        ),
        # Called as before there was more to say: a rule of another text would redo its jobs.
        thinking=scoring_of,
    shell:
        "asft --log {log} score-verdicts --verdicts {input.verdicts} --questions {input.questions}"
        " --completions {input.completions} --protocol {params.protocol} {params.baseline}"
        " {params.thinking} --out {output}"
