# Trials of a search: which there are, their files, and what steps are told of them.


def going_on(dataset, method, rung):
    """The trials of a method that are trained to a rung, counted from 1."""
    if rung == 1:
        return CONFIG.search.trial_names(method)
    before = checkpoints.halve.get(dataset=dataset, method=method, rung=rung - 1)
    return json.loads(Path(before.output[0]).read_text())["goes_on"]


def trials_of(wildcards):
    """What a step compares: trials and their runs at its rung, or at the end."""
    rung = int(wildcards.get("rung", len(CONFIG.search.halving) + 1))
    names = going_on(wildcards.dataset, wildcards.method, rung)
    return plan.trial_runs(CONFIG, wildcards.dataset, names, rung)


def selection_scores(wildcards):
    return [
        f"<results>/{plan.selection_scores(CONFIG, run)}"
        for _, run in trials_of(wildcards)
    ]


def compared(wildcards, paths):
    """The flags with which a step takes the scores of trials."""
    labels = [(trial, run.seed) for trial, run in trials_of(wildcards)]
    return plan.labelled("score", labels, paths)


def state_before(wildcards):
    """Of a trial that was halved: where its training goes on."""
    before = plan.rung_before(CONFIG, wildcards.method)
    run = plan.Run(wildcards.dataset, before, wildcards.seed)
    return f"<results>/runs/{run.folder}/state" if before else []


def trial_policy(folder):
    """Only a search whose policies are all kept keeps those of its trials."""
    return folder if CONFIG.keep_policies == "all" else temp(folder)
