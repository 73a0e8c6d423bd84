# Trials of methods whose settings are searched, and what is chosen from them. Trials are rows of `methods`:
# every other rule makes them as it makes the rest.


rule choose:
    input:
        lambda wildcards: [
            f"<results>/{plan.selection_scores(CONFIG, run)}"
            for run in trials_of(wildcards)
        ],
    output:
        "<results>/search/{dataset}/{method}.json",
    log:
        "<results>/logs/choose/{dataset}/{method}.log",
    wildcard_constraints:
        method=one_of(CONFIG.search.methods),
    params:
        trials=lambda wildcards, input: labelled(
            "score", [(run.method, run.seed) for run in trials_of(wildcards)], input
        ),
        settings=lambda wildcards: as_json(
            **plan.choice_settings(CONFIG, wildcards.method)
        ),
    shell:
        "asft --log {log} choose --settings {params.settings:q} {params.trials} --out {output}"


if CONFIG.keep_policies == "best":

    # A trial's policy goes once its answers exist: what is chosen is trained afresh.
    use rule train as train_trial with:
        output:
            policy=temp(
                directory("<results>/runs/{dataset}/{method}/seed{seed}/policy")
            ),
            history="<results>/runs/{dataset}/{method}/seed{seed}/history.csv",
            cost="<results>/runs/{dataset}/{method}/seed{seed}/cost.json",
        wildcard_constraints:
            method=one_of(plan.trial_names(CONFIG)),

    ruleorder: train_trial > train


rule search_table:
    input:
        [
            f"<results>/search/{dataset}/{method}.json"
            for dataset, method in plan.choices(CONFIG)
        ],
    output:
        csv=embedded("<results>/search.csv", "search"),
        markdown="<results>/search.md",
    log:
        "<results>/logs/search_table.log",
    params:
        choices=lambda wildcards, input: labelled("choice", plan.choices(CONFIG), input),
        settings=as_json(
            model=CONFIG.model, note=CONFIG.note, statistics=CONFIG.statistics
        ),
    shell:
        "asft --log {log} search-table --settings {params.settings:q} {params.choices}"
        " --out {output.csv}"


rule figure_search:
    input:
        "<results>/search.csv",
    output:
        pdf="<results>/figure_search.pdf",
        png=shown("<results>/figure_search.png", "figure_search"),
        csv="<results>/figure_search.csv",
    log:
        "<results>/logs/figure_search.log",
    params:
        settings=lambda wildcards: captioned(),
    shell:
        "asft --log {log} plot search --settings {params.settings:q} --search {input}"
        " --out {output.pdf}"
