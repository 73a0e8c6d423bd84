# Scores of a policy's answers, question by question; abilities, which lm-eval asks and scores.


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
