# Runs and policies: their names, sizes and files.

MODELS = CONFIG.models | CONFIG.policies
# Of policies that are published as adapters: what each is merged into.
ADAPTERS = {
    name: policy.adapter_of
    for name, policy in CONFIG.policies.items()
    if policy.adapter_of
}


def size_of(model):
    return MODELS[ADAPTERS.get(model, model)].billion_parameters


def one_of(names):
    """A wildcard pattern that matches these names and nothing else."""
    return "|".join(map(re.escape, names))


# Folders below <results>/runs that hold a policy's answers.
TRAINED_RUN = rf"({one_of(CONFIG.datasets)})/({one_of(CONFIG.methods)})/seed\d+"
RUN = f"{one_of([plan.BASE, *CONFIG.policies])}|{TRAINED_RUN}"


def run_of(wildcards):
    return plan.Run(wildcards.dataset, wildcards.method, int(wildcards.seed))


def model_of(run):
    """The name of a policy that was not trained here; None of others."""
    return CONFIG.model if run == plan.BASE else run if run in CONFIG.policies else None


def policy_folder(run):
    """The policy of a folder below <results>/runs; one that was not trained here is a model."""
    model = model_of(run)
    return f"<results>/models/{model}" if model else f"<results>/runs/{run}/policy"


def start_policy_of(wildcards):
    """What training starts from: the base policy, or the one that a row names."""
    start = plan.start_run(CONFIG, run_of(wildcards))
    return policy_folder(start.folder) if start else f"<results>/models/{CONFIG.model}"


def start_settings_of(wildcards):
    """What is known of it: how it was trained here, or the card of one that was not."""
    start = plan.start_run(CONFIG, run_of(wildcards))
    if start is None:
        return []
    if start.dataset == plan.UNTRAINED:
        return f"{policy_folder(start.folder)}/card.json"
    return f"<results>/runs/{start.folder}/settings.yaml"


def chosen_of(wildcards):
    """What trials have chosen for a run, where its method's settings are searched."""
    dataset, method = wildcards.dataset, wildcards.method
    searched = plan.is_searched(CONFIG, method)
    return f"<results>/{plan.choice_file(CONFIG, dataset, method)}" if searched else []


def reference_of(wildcards):
    run = run_of(wildcards)
    planned(
        f"runs/{run.folder}/policy", plan.require_trackers, CONFIG.training.report_to
    )
    found = plan.reference_file(CONFIG, run)
    return f"<results>/{found}" if found else []


def answering_size(wildcards):
    return size_of(model_of(wildcards.run) or CONFIG.model)


def judge_model(wildcards):
    judge = CONFIG.judges[wildcards.judge]
    return f"<results>/models/{judge.model}" if judge.backend != "openai" else []


def judge_threads(wildcards):
    judge = CONFIG.judges[wildcards.judge]
    return (judge.threads or JOB_CORES) if judge.backend != "openai" else 1


def judge_size(wildcards):
    """Billions of parameters that the job itself computes with."""
    judge = CONFIG.judges[wildcards.judge]
    return size_of(judge.model) if judge.backend != "openai" else 0


# Of which benchmark the judge has protocol and prompts when it is measured by published verdicts.
MEASURED_ON = {judge: benchmark for benchmark, judge in plan.agreements(CONFIG)}


def measured_protocol(wildcards):
    return CONFIG.benchmarks[MEASURED_ON[wildcards.judge]].protocol


# Judges of refusals by benchmark of Table 4.
REFUSAL_JUDGES = plan.judged_refusals(CONFIG)


def refusal_files(cells):
    """Of cells of Table 4 whose refusals are judged: the cell with its judge, and the verdicts."""
    judged = [
        (*run, benchmark, REFUSAL_JUDGES[benchmark].judge, folder)
        for *run, benchmark, folder in cells
        if benchmark in REFUSAL_JUDGES
    ]
    return {
        tuple(
            labels
        ): f"<results>/runs/{folder}/refusals/{labels[-2]}/{labels[-1]}.jsonl"
        for *labels, folder in judged
    }


def heldout_of(wildcards):
    """Of a benchmark of a data set's held-out pairs: these, with the others."""
    dataset = CONFIG.benchmarks[wildcards.benchmark].dataset
    return f"<results>/data/{dataset}/pairs.parquet" if dataset else []


def reference_completions(wildcards):
    """What a policy that was trained here is compared with; others have no reference."""
    if model_of(wildcards.run):
        return []
    dataset, method, seed = wildcards.run.split("/")
    run = plan.Run(dataset, method, int(seed.removeprefix("seed")))
    start = plan.compared_with(CONFIG, run)
    folder = start.folder if start else plan.BASE
    return f"<results>/runs/{folder}/completion_logps/{wildcards.benchmark}.parquet"


def table4_file(cell, ending):
    *_, benchmark, folder = cell
    protocol = CONFIG.benchmarks[benchmark].protocol
    return f"<results>/runs/{folder}/scores/{benchmark}/{protocol}.{ending}"


def histories(runs):
    return [f"<results>/runs/{run.folder}/history.csv" for run in runs]


def cards_of(runs):
    """The cards of all data that they have seen."""
    return [f"<results>/{path}" for path in plan.data_cards(CONFIG, runs)]


def kept(policy):
    """Of a policy that nobody waits for any more, Snakemake deletes the folder if none is kept."""
    return temp(policy) if CONFIG.keep_policies == "none" else policy
