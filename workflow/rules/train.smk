# One run: settings (the run's slice of the config), reference log-probabilities if needed, training.

PROCESSES = CONFIG.training.processes
ONE_TRAINING_MB = plan.training_mb(
    size_of(CONFIG.model), CONFIG.training.token_budget, JOB_GPUS
)
TRAINING_MINUTES = growing(plan.training_minutes(size_of(CONFIG.model), JOB_GPUS))
REFERENCE_SETTINGS = dict(
    precision=CONFIG.training.precision,
    token_budget=CONFIG.training.token_budget,
    attention=CONFIG.training.attention,
    processes=PROCESSES,
)


rule settings:
    input:
        card="<results>/data/{dataset}/counts.json",
        model=f"<results>/models/{CONFIG.model}",
        start=start_settings_of,
        chosen=chosen_of,
    output:
        "<results>/runs/{dataset}/{method}/seed{seed}/settings.yaml",
    log:
        "<results>/logs/settings/{dataset}/{method}/seed{seed}.log",
    # On a cluster too: a second. Not grouped with `train`: where a method starts from another the two would
    # be one group, with the reference's job between them.
    localrule: True
    params:
        run=lambda wildcards: as_json(**plan.run_settings(CONFIG, *run_of(wildcards))),
        # With the choice in it: a parameter more, though empty, would redo all earlier runs.
        start=lambda wildcards, input: " ".join(
            f"--{name} {path}"
            for name, path in (("start", input.start), ("chosen", input.chosen))
            if path
        ),
    shell:
        "asft --log {log} settings --run {params.run:q} --data-card {input.card}"
        " --model-card {input.model}/card.json {params.start} --out {output}"


rule reference:
    input:
        model=f"<results>/models/{CONFIG.model}",
        tokens="<results>/data/{dataset}/tokens",
    output:
        "<results>/data/{dataset}/reference_logps.parquet",
    log:
        "<results>/logs/reference/{dataset}.log",
    threads: cores_of(PROCESSES)
    resources:
        gpu=JOB_GPUS * PROCESSES,
        mem_mb=growing(PROCESSES * plan.inference_mb(size_of(CONFIG.model), JOB_GPUS)),
        runtime=growing(plan.inference_minutes(size_of(CONFIG.model), JOB_GPUS)),
    params:
        settings=as_json(**REFERENCE_SETTINGS),
    shell:
        "asft --log {log} reference --settings {params.settings:q} --model {input.model}"
        " --tokens {input.tokens} --out {output}"


use rule reference as reference_mismatched with:
    output:
        "<results>/data/{dataset}/reference_logps_mismatched.parquet",
    log:
        "<results>/logs/reference_mismatched/{dataset}.log",
    params:
        settings=as_json(**REFERENCE_SETTINGS, mismatched=True),


# Under the policy of another method, or one not trained here, for those that start from it.
use rule reference as reference_start with:
    input:
        model=lambda wildcards: policy_folder(wildcards.start),
        tokens="<results>/data/{dataset}/tokens",
    output:
        "<results>/data/{dataset}/reference_logps{mismatched}/{start}.parquet",
    log:
        "<results>/logs/reference_start/{dataset}{mismatched}/{start}.log",
    wildcard_constraints:
        start=RUN,
        mismatched="|_mismatched",
    params:
        settings=lambda wildcards: as_json(
            **REFERENCE_SETTINGS,
            **({"mismatched": True} if wildcards.mismatched else {}),
        ),


rule train:
    input:
        settings="<results>/runs/{dataset}/{method}/seed{seed}/settings.yaml",
        model=start_policy_of,
        tokens="<results>/data/{dataset}/tokens",
        reference=reference_of,
    output:
        policy=kept(directory("<results>/runs/{dataset}/{method}/seed{seed}/policy")),
        history="<results>/runs/{dataset}/{method}/seed{seed}/history.csv",
        cost="<results>/runs/{dataset}/{method}/seed{seed}/cost.json",
    log:
        "<results>/logs/train/{dataset}/{method}/seed{seed}.log",
    threads: cores_of(PROCESSES)
    resources:
        gpu=JOB_GPUS * PROCESSES,
        mem_mb=lambda wildcards, attempt: (
            attempt
            * PROCESSES
            * plan.run_mb(CONFIG, wildcards.method, size_of(CONFIG.model), JOB_GPUS)
        ),
        runtime=TRAINING_MINUTES,
    params:
        reference=looked_at,
        folder=subpath(output.cost, parent=True),
    shell:
        "asft --log {log} train --settings {input.settings} --model {input.model}"
        " --tokens {input.tokens} {params.reference} --out {params.folder}"


# A target for each method: its policies, of all data sets and seeds.
for method in CONFIG.methods:

    rule:
        name:
            f"policies_{method}"
        input:
            [
                f"<results>/runs/{run.folder}/policy"
                for run in plan.runs_of(CONFIG, method)
            ],


rule measure_cost:
    input:
        model=f"<results>/models/{CONFIG.model}",
        tokens="<results>/data/{dataset}/tokens",
    output:
        "<results>/cost/{dataset}/{arm}/repeat{repeat}.json",
    log:
        "<results>/logs/measure_cost/{dataset}/{arm}/repeat{repeat}.log",
    threads: ALL_CORES  # alone on the machine, GPUs or not: its time is the result
    resources:
        gpu=JOB_GPUS,
        mem_mb=growing(ONE_TRAINING_MB),
        runtime=TRAINING_MINUTES,
    params:
        settings=cost_settings,
    shell:
        "asft --log {log} measure-cost --settings {params.settings:q} --arm {wildcards.arm}"
        " --repeat {wildcards.repeat} --model {input.model} --tokens {input.tokens} --out {output}"
