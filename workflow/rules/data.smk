# From sources to a base policy, benchmark questions, and tokenised preference pairs.


rule fetch_model:
    output:
        directory("<results>/models/{model}"),
    log:
        "<results>/logs/fetch_model/{model}.log",
    resources:
        mem_mb=lambda wildcards, attempt: (
            attempt * estimates.inference_mb(size_of(wildcards.model), gpus=0)
        ),
    params:
        settings=lambda wildcards: CONFIG.models[wildcards.model].model_dump_json(
            exclude={"billion_parameters"}
        ),
    shell:
        "asft --log {log} fetch-model --settings {params.settings:q} --out {output}"


rule prepare_benchmark:
    output:
        questions="<results>/benchmarks/{benchmark}/questions.jsonl",
        card="<results>/benchmarks/{benchmark}/card.json",
        judge=directory("<results>/benchmarks/{benchmark}/judge"),
    log:
        "<results>/logs/prepare_benchmark/{benchmark}.log",
    params:
        settings=lambda wildcards: CONFIG.benchmarks[
            wildcards.benchmark
        ].model_dump_json(exclude={"decoding", "temperatures"}),
        folder=subpath(output.card, parent=True),
    shell:
        "asft --log {log} prepare-benchmark --settings {params.settings:q}"
        " --name {wildcards.benchmark} --out {params.folder}"


rule prepare_dataset:
    input:
        model=f"<results>/models/{CONFIG.model}",
        questions=expand(
            "<results>/benchmarks/{benchmark}/questions.jsonl",
            benchmark=CONFIG.tables.table3.benchmark,
        ),
    output:
        pairs="<results>/data/{dataset}/pairs.parquet",
        card="<results>/data/{dataset}/card.json",
        tokens=directory("<results>/data/{dataset}/tokens"),
    log:
        "<results>/logs/prepare_dataset/{dataset}.log",
    params:
        settings=lambda wildcards: as_json(
            dataset=CONFIG.datasets[wildcards.dataset], tokens=CONFIG.tokens
        ),
        folder=subpath(output.card, parent=True),
    shell:
        "asft --log {log} prepare-dataset --settings {params.settings:q} --name {wildcards.dataset}"
        " --model {input.model} --questions {input.questions} --out {params.folder}"
