# A policy's answers to a benchmark. `run` is {dataset}/{method}/seed{seed}, `base`, or a name in `policies`.


rule generate:
    input:
        policy=lambda wildcards: policy_folder(wildcards.run),
        questions="<results>/benchmarks/{benchmark}/questions.jsonl",
    output:
        "<results>/runs/{run}/completions/{benchmark}.jsonl",
    log:
        "<results>/logs/generate/{run}/{benchmark}.log",
    threads: cores_of(CONFIG.generation.processes, CONFIG.generation.threads)
    resources:
        gpu=JOB_GPUS * CONFIG.generation.processes,
        mem_mb=lambda wildcards, attempt: (
            attempt
            * CONFIG.generation.processes
            * plan.inference_mb(answering_size(wildcards), JOB_GPUS)
        ),
        runtime=lambda wildcards, attempt: (
            attempt * plan.inference_minutes(answering_size(wildcards), JOB_GPUS)
        ),
    params:
        settings=lambda wildcards: as_json(
            decoding=CONFIG.benchmarks[wildcards.benchmark].decoding,
            temperatures=CONFIG.benchmarks[wildcards.benchmark].temperatures,
            generation=CONFIG.generation,
        ),
        seed=seed_of,
    shell:
        "asft --log {log} generate --settings {params.settings:q} --policy {input.policy}"
        " --questions {input.questions} --seed {params.seed} --out {output}"
