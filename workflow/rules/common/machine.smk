# What a job may take of the machine, and what a profile says of it.

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


def placed_by_model(by_rule, models):
    """What a profile says of a rule, said of each base model's rule too."""
    for name, said in list(by_rule.items()):
        by_rule.update((f"{model}_{name}", said) for model in models)


def grouped_by_model(models):
    """The same of groups, which a profile's settings hold only when jobs are planned.

    Not of rules that run here, such as `settings`: with a group, even None, they would be sent away.
    """

    def group_of(rule_name):
        return lambda wildcards: workflow.group_settings.overwrite_groups.get(rule_name)

    for own in workflow.rules:
        of = [model for model in models if own.name.startswith(f"{model}_")]
        here = own.norun or own.name in workflow._localrules
        if of and not here:
            own.group = group_of(own.name.removeprefix(f"{max(of, key=len)}_"))


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


def growing(amount):
    """A resource of which each attempt asks more: what was too little is tried again."""
    return lambda wildcards, attempt: attempt * amount
