# The report: a static folder that opens from disk.


rule report:
    input:
        [f"<results>/{path}" for path in plan.report_inputs(CONFIG)],
    output:
        index="<results>/report/index.html",
        folder=embedded_folder("<results>/report"),
    log:
        "<results>/logs/report.log",
    params:
        settings=lambda wildcards: CONFIG.model_dump_json(),  # it may hold braces
        results=subpath(output.folder, parent=True),
    shell:
        "asft --log {log} report --settings {params.settings:q} --results {params.results}"
        " --out {output.folder}"


# What a policy's README.md says of its scores is known only when the tables are, so the step also
# puts it into the policy's folder, which stays as it is otherwise.
rule model_card:
    input:
        settings="<results>/runs/{dataset}/{method}/seed{seed}/settings.yaml",
        policy="<results>/runs/{dataset}/{method}/seed{seed}/policy",
        cost="<results>/runs/{dataset}/{method}/seed{seed}/cost.json",
        data="<results>/data/{dataset}/card.json",
        tables=lambda wildcards: [
            f"<results>/{name}.csv"
            for name in plan.tables_of(CONFIG, wildcards.dataset)
        ],
    output:
        "<results>/runs/{dataset}/{method}/seed{seed}/model_card.md",
    log:
        "<results>/logs/model_card/{dataset}/{method}/seed{seed}.log",
    params:
        tables=lambda wildcards, input: " ".join(
            f"--{name} {path}"
            for name, path in zip(
                plan.tables_of(CONFIG, wildcards.dataset), input.tables
            )
        ),
        settings=lambda wildcards: as_json(
            **plan.card_settings(CONFIG, wildcards.dataset, wildcards.method)
        ),
        run=subpath(input.settings, parent=True),
    shell:
        "asft --log {log} model-card --run {params.run} --data-card {input.data} {params.tables}"
        " --settings {params.settings:q} --out {output}"
