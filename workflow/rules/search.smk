# Trials of methods whose settings are searched, and what is chosen from them. Trials are rows of `methods`:
# every other rule makes them as it makes the rest.


rule choose:
    input:
        scores=selection_scores,
        rungs=lambda wildcards: [
            f"<results>/search/{wildcards.dataset}/{wildcards.method}.rung{rung}.json"
            for rung in range(1, len(CONFIG.search.halving) + 1)
        ],
    output:
        f"<results>/{plan.choice_file(CONFIG, '{dataset}', '{method}')}",
    log:
        "<results>/logs/choose/{dataset}/{method}.log",
    wildcard_constraints:
        method=one_of(CONFIG.search.methods),
    params:
        trials=lambda wildcards, input: compared(wildcards, input.scores),
        rungs=lambda wildcards, input: " ".join(
            f"--rung {path}" for path in input.rungs
        ),
        settings=lambda wildcards: as_json(
            **plan.choice_settings(CONFIG, wildcards.method)
        ),
    shell:
        "asft --log {log} choose --settings {params.settings:q} {params.trials} {params.rungs}"
        " --out {output}"


if CONFIG.search.halving:

    # Which trials go on is known when the others have been scored.
    checkpoint halve:
        input:
            scores=selection_scores,
            # What those that go on begin with: not deleted before it is known which these are.
            states=lambda wildcards: [
                f"<results>/runs/{run.folder}/state" for _, run in trials_of(wildcards)
            ],
        output:
            "<results>/search/{dataset}/{method}.rung{rung}.json",
        log:
            "<results>/logs/halve/{dataset}/{method}.rung{rung}.log",
        wildcard_constraints:
            method=one_of(CONFIG.search.methods),
            rung=r"\d+",
        params:
            trials=lambda wildcards, input: compared(wildcards, input.scores),
            settings=lambda wildcards: as_json(
                **plan.choice_settings(CONFIG, wildcards.method),
                share=CONFIG.search.halving[int(wildcards.rung) - 1],
            ),
        shell:
            "asft --log {log} halve --settings {params.settings:q} {params.trials} --out {output}"


# Where held-out pairs decide: what a trial prefers of them, against what it was trained from.
if CONFIG.search.select.benchmark is None:

    use rule reference as trial_logps with:
        input:
            model="<results>/runs/{dataset}/{method}/seed{seed}/policy",
            tokens="<results>/data/{dataset}/tokens",
        output:
            "<results>/runs/{dataset}/{method}/seed{seed}/logps/{dataset}.parquet",
        log:
            "<results>/logs/trial_logps/{dataset}/{method}/seed{seed}.log",
        params:
            settings=as_json(**REFERENCE_SETTINGS, heldout_only=True),

    rule score_pairs:
        input:
            logps="<results>/runs/{dataset}/{method}/seed{seed}/logps/{dataset}.parquet",
            reference=lambda wildcards: (
                f"<results>/{plan.start_logps(CONFIG, run_of(wildcards))}"
            ),
        output:
            "<results>/runs/{dataset}/{method}/seed{seed}/scores/{dataset}/pairs.csv",
        log:
            "<results>/logs/score_pairs/{dataset}/{method}/seed{seed}.log",
        shell:
            "asft --log {log} score-pairs --logps {input.logps} --reference {input.reference}"
            " --out {output}"


# A trial: what is chosen is trained afresh, so this policy may go once its answers exist.
use rule train as train_trial with:
    input:
        settings="<results>/runs/{dataset}/{method}/seed{seed}/settings.yaml",
        model=start_policy_of,
        tokens="<results>/data/{dataset}/tokens",
        reference=reference_of,
        before=state_before,
    output:
        policy=trial_policy(
            directory("<results>/runs/{dataset}/{method}/seed{seed}/policy")
        ),
        history="<results>/runs/{dataset}/{method}/seed{seed}/history.csv",
        cost="<results>/runs/{dataset}/{method}/seed{seed}/cost.json",
    wildcard_constraints:
        method=one_of(plan.trial_names(CONFIG)),
    params:
        reference=looked_at,
        folder=subpath(output.cost, parent=True),


# One that stops before the end: its policy is scored, its state goes on.
use rule train_trial as train_rung with:
    output:
        policy=temp(directory("<results>/runs/{dataset}/{method}/seed{seed}/policy")),
        state=temp(directory("<results>/runs/{dataset}/{method}/seed{seed}/state")),
        history="<results>/runs/{dataset}/{method}/seed{seed}/history.csv",
        cost="<results>/runs/{dataset}/{method}/seed{seed}/cost.json",
    wildcard_constraints:
        method=one_of(plan.rung_names(CONFIG) or ["-"]),


ruleorder: train_rung > train_trial > train


rule search_table:
    input:
        [
            f"<results>/{plan.choice_file(CONFIG, dataset, method)}"
            for dataset, method in plan.choices(CONFIG)
        ],
    output:
        csv=embedded("<results>/search.csv", "search"),
        markdown="<results>/search.md",
    log:
        "<results>/logs/search_table.log",
    params:
        choices=lambda wildcards, input: plan.labelled(
            "choice", plan.choices(CONFIG), input
        ),
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
