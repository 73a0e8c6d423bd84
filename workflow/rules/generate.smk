# A policy's answers to a benchmark. `run` is {dataset}/{method}/seed{seed}, or `base`.


def policy_of(wildcards):
    if wildcards.run == plan.BASE:
        return f"<results>/models/{CONFIG.model}"
    return f"<results>/runs/{wildcards.run}/policy"


def seed_of(wildcards):
    seed = re.search(r"/seed(\d+)$", wildcards.run)
    return int(seed[1]) if seed else CONFIG.seeds[0]


rule generate:
    input:
        policy=policy_of,
        questions="<results>/benchmarks/{benchmark}/questions.jsonl",
    output:
        "<results>/runs/{run}/completions/{benchmark}.jsonl",
    log:
        "<results>/logs/generate/{run}/{benchmark}.log",
    threads: cores_of(CONFIG.generation.processes, CONFIG.generation.threads)
    resources:
        gpu=JOB_GPUS * CONFIG.generation.processes,
        mem_mb=growing(
            CONFIG.generation.processes
            * plan.inference_mb(size_of(CONFIG.model), JOB_GPUS)
        ),
        runtime=growing(plan.inference_minutes(size_of(CONFIG.model), JOB_GPUS)),
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
