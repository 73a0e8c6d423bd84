# The validated config and the few questions the rules ask of it.
import json
import re
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from asft import config as plan
from asft.errors import UserError
from asft.machine import partition_cores, preload_allocator, visible_gpus

# A module's `prefix` or `pathvars` may have moved the folder that the config names.
RESULTS = workflow.modifier.path_modifier.replace_prefix(
    workflow.pathvars.apply("<results>")
)

try:
    CONFIG = plan.load(config)
    plan.refuse_links(CONFIG, RESULTS)
except UserError as error:
    raise WorkflowError(str(error)) from None

# `asft` is found beside this Python, whether or not its environment is active.
shell.prefix(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; ")

# Inherited by every job.
preload_allocator()

# What keeps every core busy runs one at a time, so that two such jobs do not fight. On a cluster these
# are the cores of one job: the profile's `cores`.
ALL_CORES = workflow.cores or 1


# Rules that are others with other files.
MADE_OF = {
    "reference": ["reference_mismatched", "reference_start", "trial_logps"],
    "train": ["train_trial", "train_rung"],
    "judge": ["judge_agreement"],
}


def placed_alike(by_rule):
    """What a profile says of a rule, said of those that are made of it, unless it names them."""
    for rule_name, others in MADE_OF.items():
        said = by_rule.get(workflow.modifier.modify_rulename(rule_name))
        for other in others if said else ():
            by_rule.setdefault(workflow.modifier.modify_rulename(other), said)


# Before the rules are made, since that reads them.
placed_alike(workflow.resource_settings.overwrite_resources)
placed_alike(workflow.resource_settings.overwrite_threads)


def refuse_wide_jobs():
    """Fail now if no node of a job's partition has its cores: SLURM may let it wait for ever."""
    settings = workflow.resource_settings
    if workflow.remote_exec or settings.nodes is None:
        return
    asked = dict(settings.default_resources or {})
    asked |= dict(settings.overwrite_resources.get("train", {}))
    name = getattr(asked.get("slurm_partition"), "raw", None)
    largest = partition_cores().get(name, ALL_CORES) if name else ALL_CORES
    if largest < ALL_CORES:
        raise WorkflowError(
            f"profile: cores: {ALL_CORES} CPUs asked for a job of rule train, but no node of"
            f" partition {name} has more than {largest}; set `cores` and `max-threads` of the"
            f" profile to {largest} or fewer, or name another partition in `set-resources`"
        )


refuse_wide_jobs()


def gpus_here():
    """How many of this machine's GPUs the jobs may take; 0 if they run on other machines."""
    if workflow.remote_exec or workflow.resource_settings.nodes is not None:
        return 0
    if "gpu" not in workflow.global_resources and visible_gpus():
        # As many jobs at a time as there are GPUs; `asft` sees to it that each takes its own.
        workflow.global_resources["gpu"] = len(visible_gpus())
    limit = workflow.global_resources.get("gpu")
    return limit.value if limit else 0


# GPUs and cores of one job with a model. Where such jobs run side by side, one on each GPU, they share
# the cores.
GPUS_HERE = gpus_here()
JOB_GPUS = min(CONFIG.gpus or 1, GPUS_HERE) if GPUS_HERE else CONFIG.gpus
JOB_CORES = max(1, ALL_CORES * JOB_GPUS // GPUS_HERE) if GPUS_HERE else ALL_CORES


def cores_of(processes, threads=None):
    """Of a job of so many processes; with GPUs each has one, and the cores that go with it."""
    if threads or JOB_GPUS:
        return min(ALL_CORES, processes * (threads or JOB_CORES))
    return JOB_CORES


MODELS = CONFIG.models | CONFIG.policies
# Of policies that are published as adapters: what each is merged into.
ADAPTERS = {
    name: policy.adapter_of
    for name, policy in CONFIG.policies.items()
    if policy.adapter_of
}


def size_of(model):
    return MODELS[ADAPTERS.get(model, model)].billion_parameters


def is_pairwise(benchmark):
    """Whether answers are judged against a baseline's."""
    return plan.PROTOCOLS[CONFIG.benchmarks[benchmark].protocol].pairwise


def thinking_of(wildcards):
    """The flag with which metrics and judges see what was thought before an answer."""
    shown = CONFIG.benchmarks[wildcards.benchmark].with_thinking
    return "--with-thinking" if shown else ""


def scoring_of(wildcards):
    """That flag, and how often a decisive game counts where that is not upstream's three times."""
    weight = CONFIG.benchmarks[wildcards.benchmark].decisive_weight
    counted = f" --decisive-weight {weight}" if weight != 3 else ""
    return thinking_of(wildcards) + counted


def growing(amount):
    """A resource of which each attempt asks more: what was too little is tried again."""
    return lambda wildcards, attempt: attempt * amount


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


def planned(made, check, *args):
    """Fail now if a job that has still to run cannot: what it made before needs no source again."""
    if not Path(RESULTS, made).exists():
        try:
            check(*args)
        except UserError as error:
            raise WorkflowError(str(error)) from None


def chosen_of(wildcards):
    """What trials have chosen for a run, where its method's settings are searched."""
    dataset, method = wildcards.dataset, wildcards.method
    searched = plan.is_searched(CONFIG, method)
    return f"<results>/{plan.choice_file(CONFIG, dataset, method)}" if searched else []


def labelled(option, labels, paths):
    """`--option a,b=path` for each of the paths; those that differ in their seed alone share one.

    Linux takes no command of more than 128 KiB, which a thousand paths are.
    """
    groups = {}
    for label, path in zip(labels, paths):
        found = re.search(r"/seed(\d+)/", path)
        seed = found and int(found[1])
        shared = tuple("{seed}" if part == seed else part for part in label)
        if seed is None or "{seed}" not in shared:
            groups[label, path] = []
        else:
            file = path.replace(found[0], "/seed{seed}/")
            groups.setdefault((shared, file), []).append(seed)
    words = []
    for (label, file), seeds in groups.items():
        text = f"{','.join(map(str, label))}={file}"
        if len(seeds) == 1:
            text = text.replace("{seed}", str(seeds[0]))
        elif seeds:
            text = text.replace("{seed}", "+".join(map(str, seeds)), 1)
        words.append(f"--{option} {text}")
    return " ".join(words)


def as_json(**sections):
    """Canonical JSON of parts of the config: equal settings give an equal string."""
    plain = {
        name: part.model_dump() if hasattr(part, "model_dump") else part
        for name, part in sections.items()
    }
    return json.dumps(plain, sort_keys=True)
