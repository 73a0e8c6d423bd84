# What the commands are told: parts of the config as JSON, and flags.
from asft.judging import check_prompts


def as_json(**sections):
    """Canonical JSON of parts of the config: equal settings give an equal string."""
    plain = {
        name: part.model_dump() if hasattr(part, "model_dump") else part
        for name, part in sections.items()
    }
    return json.dumps(plain, sort_keys=True)


def planned(made, check, *args):
    """Fail now if a job that has still to run cannot: what it made before needs no source again."""
    if not Path(RESULTS, made).exists():
        try:
            check(*args)
        except UserError as error:
            raise WorkflowError(str(error)) from None


def model_settings(wildcards):
    name, model = wildcards.model, MODELS[wildcards.model]
    made = f"models/{name}"
    key = f"{'policies' if name in CONFIG.policies else 'models'}.{name}"
    planned(made, plan.require_local, model.sources, f"{key}.sources")
    planned(made, plan.require_model, model, f"{key}.sources")
    planned(made, plan.require_template, model.chat_template, f"{key}.chat_template")
    return model.model_dump_json(exclude={"billion_parameters", "adapter_of"})


def benchmark_settings(wildcards):
    name, benchmark = wildcards.benchmark, CONFIG.benchmarks[wildcards.benchmark]
    made = f"benchmarks/{name}"
    for part in ("sources", "prompts", "system_prompts", "references", "baseline"):
        key = f"benchmarks.{name}.{part}"
        planned(made, plan.require_local, getattr(benchmark, part), key)
    # Half of a template is no template: with system prompts both are read when they are there.
    whole = not benchmark.system_prompts
    if whole and (prompts := plan.first_here(benchmark.prompts)):
        planned(made, check_prompts, benchmark.protocol, prompts)
    return benchmark.model_dump_json(
        exclude={"decoding", "temperatures", "with_thinking", "decisive_weight"}
    )


def comparison_settings(wildcards):
    name, benchmark = wildcards.benchmark, CONFIG.benchmarks[wildcards.benchmark]
    made = f"benchmarks/{name}/comparisons.jsonl"
    planned(made, plan.require_local, benchmark.sources, f"benchmarks.{name}.sources")
    return benchmark.model_dump_json()


def judge_settings(wildcards):
    """What verdicts depend on: not what the judge is measured by, nor what it costs."""
    return CONFIG.judges[wildcards.judge].model_dump_json(
        exclude={"agreement", *plan.Spending.model_fields}
    )


def judge_flags(wildcards, input):
    """The folder of a local judge, or what a server's may cost.

    Snakemake compares no parameter that asks for `input`: another limit judges nothing again.
    """
    if input.model:
        return f"--judge-model {input.model}"
    row = CONFIG.judges[wildcards.judge]
    spending = row.model_dump_json(include=set(plan.Spending.model_fields))
    return "" if spending == "{}" else f"--spending {shlex.quote(spending)}"


def looked_at(wildcards, input):
    """The flags with which training takes its reference, where it goes on, and in what it is followed.

    Snakemake compares no parameter that asks for `input`: followed elsewhere nothing is trained again.
    """
    found = {"reference": input.reference, "continue-from": input.get("before")}
    flags = [f"--{name} {path}" for name, path in found.items() if path]
    return " ".join(
        flags + [f"--report-to {name}" for name in CONFIG.training.report_to]
    )


def published_settings(wildcards):
    agreement = CONFIG.judges[wildcards.judge].agreement
    made = plan.agreement_file(wildcards.judge)
    for part in ("sources", "questions", "answers"):
        key = f"judges.{wildcards.judge}.agreement.{part}"
        planned(made, plan.require_local, getattr(agreement, part), key)
    return agreement.model_dump_json(exclude={"benchmark"})


def dataset_settings(wildcards):
    name, dataset = wildcards.dataset, CONFIG.datasets[wildcards.dataset]
    for part in ("sources", "heldout_sources"):
        key = f"datasets.{name}.{part}"
        planned(f"data/{name}", plan.require_local, getattr(dataset, part), key)
    return as_json(dataset=dataset, tokens=CONFIG.tokens)


def abilities_settings(wildcards):
    name, benchmark = wildcards.benchmark, CONFIG.benchmarks[wildcards.benchmark]
    made = f"runs/{wildcards.run}/scores/{name}/lm_eval.csv"
    for task in benchmark.tasks:
        if task.endswith((".yaml", ".yml")):
            planned(made, plan.require_file, task, f"benchmarks.{name}.tasks")
    return benchmark.model_dump_json(exclude={"refusals"})


def refusal_prompts(wildcards):
    """The file with the prompt of a judge of refusals."""
    prompts = REFUSAL_JUDGES[wildcards.benchmark].prompts
    key = f"benchmarks.{wildcards.benchmark}.refusals.prompts"
    made = (
        f"runs/{wildcards.run}/refusals/{wildcards.benchmark}/{wildcards.judge}.jsonl"
    )
    planned(made, plan.require_file, prompts, key)
    path = plan.find_path(prompts)
    if path.is_file():
        planned(made, check_prompts, plan.XSTEST, path)
    return str(path)


def cost_settings(wildcards):
    return as_json(**plan.cost_settings(CONFIG, wildcards.dataset, wildcards.arm))


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


def seed_of(wildcards):
    *trained, name = wildcards.run.split("/")
    return int(name.removeprefix("seed")) if trained else CONFIG.seeds[0]


def captioned(**more):
    """What every figure is told: what its caption says, and whose colours it shares."""
    return as_json(
        model=CONFIG.model,
        note=CONFIG.note,
        methods=[*CONFIG.methods, *CONFIG.policies],
        **more,
    )


def own_losses():
    """The flag with the losses of Figure 1, where they are not the paper's; braces are kept."""
    fields = plan.loss_fields(CONFIG)
    text = shlex.quote(json.dumps(fields)).replace("{", "{{").replace("}", "}}")
    return f" --methods {text}" if fields else ""


def with_files(row, questions):
    """A row's files: its questions and, of a win rate, the baseline's answers."""
    baseline = f"{Path(questions).parent}/judge/baseline.jsonl"
    return [*row, questions, *([baseline] if is_pairwise(row[0]) else [])]
