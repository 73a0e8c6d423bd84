# From sources to a base policy, benchmark questions, and tokenised preference pairs.


rule fetch_model:
    output:
        directory("<results>/models/{model}"),
    log:
        "<results>/logs/fetch_model/{model}.log",
    wildcard_constraints:
        model=one_of(MODELS.keys() - ADAPTERS.keys()),
    resources:
        mem_mb=lambda wildcards, attempt: (
            attempt * plan.inference_mb(size_of(wildcards.model), gpus=0)
        ),
    params:
        settings=model_settings,
    shell:
        "asft --log {log} fetch-model --settings {params.settings:q} --out {output}"


if ADAPTERS:

    rule merge_adapter:
        input:
            base=lambda wildcards: f"<results>/models/{ADAPTERS[wildcards.model]}",
        output:
            directory("<results>/models/{model}"),
        log:
            "<results>/logs/merge_adapter/{model}.log",
        wildcard_constraints:
            model=one_of(ADAPTERS),
        resources:
            mem_mb=lambda wildcards, attempt: (
                attempt * plan.inference_mb(size_of(wildcards.model), gpus=0)
            ),
        params:
            settings=model_settings,
        shell:
            "asft --log {log} merge-adapter --settings {params.settings:q} --base {input.base}"
            " --out {output}"


rule prepare_benchmark:
    output:
        questions="<results>/benchmarks/{benchmark}/questions.jsonl",
        card="<results>/benchmarks/{benchmark}/card.json",
        judge=directory("<results>/benchmarks/{benchmark}/judge"),
    log:
        "<results>/logs/prepare_benchmark/{benchmark}.log",
    params:
        settings=benchmark_settings,
        folder=subpath(output.card, parent=True),
    shell:
        "asft --log {log} prepare-benchmark --settings {params.settings:q}"
        " --name {wildcards.benchmark} --out {params.folder}"


rule prepare_dataset:
    input:
        model=f"<results>/models/{CONFIG.model}",
    output:
        pairs="<results>/data/{dataset}/pairs.parquet",
        counts="<results>/data/{dataset}/counts.json",
        tokens=directory("<results>/data/{dataset}/tokens"),
    log:
        "<results>/logs/prepare_dataset/{dataset}.log",
    params:
        settings=dataset_settings,
        folder=subpath(output.counts, parent=True),
    shell:
        "asft --log {log} prepare-dataset --settings {params.settings:q} --name {wildcards.dataset}"
        " --model {input.model} --out {params.folder}"


BENCHMARKS_ASKED = [asked.benchmark for asked in plan.asked_benchmarks(CONFIG)]


# Apart from the preparation: nothing is trained again because other questions are asked.
rule data_card:
    input:
        counts="<results>/data/{dataset}/counts.json",
        pairs="<results>/data/{dataset}/pairs.parquet",
        questions=expand(
            "<results>/benchmarks/{benchmark}/questions.jsonl",
            benchmark=BENCHMARKS_ASKED,
        ),
    output:
        "<results>/data/{dataset}/card.json",
    log:
        "<results>/logs/data_card/{dataset}.log",
    params:
        questions=lambda wildcards, input: " ".join(
            f"--questions {name}={path}"
            for name, path in zip(BENCHMARKS_ASKED, input.questions)
        ),
    shell:
        "asft --log {log} data-card --counts {input.counts} --pairs {input.pairs}"
        " {params.questions} --out {output}"
