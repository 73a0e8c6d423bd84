"""The text of a policy's model card."""

from typing import Any, NamedTuple

import yaml

from asft.config import asked_of_trials
from asft.errors import UserError
from asft.losses import METHODS, find_method, names_in
from asft.report.policy_scores import Score

# Of the base models that the project's configs name, as their pages on the hub state it.
KNOWN_BASES = {
    "HuggingFaceTB/SmolLM2-135M-Instruct": {"license": "apache-2.0", "language": ["en"]},
    "Qwen/Qwen2.5-0.5B-Instruct": {"license": "apache-2.0", "language": ["en"]},
    "meta-llama/Meta-Llama-3-8B-Instruct": {"license": "llama3", "language": ["en"]},
}
SAVED_AS = {"bfloat16": "bf16", "float32": "fp32"}


class Origin(NamedTuple):
    """The origin of a policy, by the config: names on the hub, as far as there are any."""

    base: str  # "": none
    datasets: list[str]
    note: str
    confidence: float  # of the intervals
    license: str = ""  # if it is said; else the base model's, where that is known
    address: str = "."  # from where it is loaded: a name on the hub, or the folder of the card


def card_text(
    run: dict[str, Any],
    data: dict[str, Any],
    cost: dict[str, Any],
    scores: list[Score],
    origin: Origin,
) -> str:
    """Return the text of a policy's model card.

    Args:
        run: settings.yaml. data, cost: card.json of the data set, cost.json of the run.
        scores: of the method, over all its seeds.

    Raises:
        UserError: a loss that this version does not know.
    """
    if unknown := [name for name in names_in(run["loss"]) if name not in METHODS]:
        raise UserError(f"settings.yaml: no loss {unknown[0]!r}")
    title = f"{run['model']}-{run['dataset']}-{run['method']}"
    header = yaml.safe_dump(
        _front(title, names_in(run["loss"]), scores, origin), sort_keys=False, allow_unicode=True
    )
    parts = [
        f"---\n{header}---\n\n# {title}",
        _summary(run, origin),
        _use(origin.address),
        _training(run, data, cost),
        _results(scores, origin.confidence),
        _limits(run),
        _provenance(run, cost),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _front(title: str, losses: list[str], scores: list[Score], origin: Origin) -> dict[str, Any]:
    """What the hub reads; https://huggingface.co/docs/hub/model-cards lists the keys."""
    base = {"base_model": origin.base, "base_model_relation": "finetune"} if origin.base else {}
    return {
        **KNOWN_BASES.get(origin.base, {}),
        **({"license": origin.license} if origin.license else {}),
        **base,
        **({"datasets": origin.datasets} if origin.datasets else {}),
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["preference-optimization", *losses, "generated_from_trainer"],
        **_model_index(title, scores),
    }


def _model_index(title: str, scores: list[Score]) -> dict[str, Any]:
    """Scores for the hub's tables, where no warning can stand: none of a distrusted judge."""
    results: dict[str, list[dict[str, Any]]] = {}
    for score in scores:
        if not (score.fooled_by or score.distrust):
            metric = {"type": score.kind, "name": score.metric, "value": round(score.value, 4)}
            results.setdefault(score.benchmark, []).append(metric)
    listed = [
        {
            "task": {"type": "text-generation"},
            "dataset": {"type": benchmark, "name": benchmark},
            "metrics": metrics,
        }
        for benchmark, metrics in results.items()
    ]
    return {"model-index": [{"name": title, "results": listed}]} if listed else {}


def _summary(run: dict[str, Any], origin: Origin) -> str:
    name = origin.base
    source = f"[{name}](https://huggingface.co/{name})" if name else f"`{run['model']}`"
    loss = find_method(run["loss"]).loss.__doc__ or ""
    first = loss.strip().splitlines()[0]
    text = f"{source} trained on preference pairs by `{run['method']}`: {first}"
    return f"{text}{_chain(run)}\n\n> {origin.note}"


def _chain(run: dict[str, Any]) -> str:
    """What was trained before, each from the policy of the one before it."""
    links: list[str] = []
    found: list[str] = []
    link: dict[str, Any] | None = run
    while link is not None:
        if "policy" in link:
            found.append(f"It started from `{link['policy']}`, which was not trained here.")
        else:
            links.insert(0, f"`{link['method']}` on `{link['dataset']}`")
        link = link.get("start")
    if len(links) > 1:
        chain = " → ".join(links)
        found.append(f"Trained in {len(links)} stages, each from the policy before: {chain}.")
    if found and run.get("reference") == "base":
        found.append("The reference is the base policy.")
    return "\n\n" + " ".join(found) if found else ""


def _use(address: str) -> str:
    """How it is loaded; where the address is a folder, from within it."""
    talk = "[{'role': 'user', 'content': 'Hello'}]"
    return f"""## Use

```bash
vllm serve {address}
python -c "import transformers as t; print(t.pipeline('text-generation', '{address}')({talk}))"
```"""


def _training(run: dict[str, Any], data: dict[str, Any], cost: dict[str, Any]) -> str:
    chosen = {**run["hyperparameters"], "seed": run["seed"]}
    names = ("learning_rate", "epochs", "batch_size", "warmup_ratio", "precision")
    chosen |= {name: run["training"][name] for name in names}
    settings = "\n".join(f"| {name} | {value} |" for name, value in chosen.items())
    kept = data["kept"]
    return f"""## Training

{kept["train"]} pairs of `{run["dataset"]}` ({data["rows"]} rows, format `{data["format"]}`; \
{sum(data["dropped"].values())} unusable, {kept["heldout"]} held out). \
{cost["steps"]} optimiser steps on {cost["device"]}, {cost["pairs_per_second"]} pairs a second, \
peak memory {cost["peak_memory_bytes"] / 1e9:.1f} GB.{_unusual(data, cost)}{_searched(run)}

| setting | value |
|---|---|
{settings}"""


def _searched(run: dict[str, Any]) -> str:
    """Where the settings come from, if trials have chosen them."""
    if "search" not in run:
        return ""
    how = run["search"]
    seeds = ", ".join(map(str, how["seeds"]))
    return (
        f" Settings: `{how['chosen']}` of {how['trials']} trials (training seeds {seeds}), by"
        f" {how['metric']} on {how['n']} {asked_of_trials(how['benchmark'])}; {how['rule']}."
    )


def _unusual(data: dict[str, Any], cost: dict[str, Any]) -> str:
    """What is not so in an ordinary run: another trainer, pairs that are not packed, lost text."""
    found = f" Trained by {cost['trainer']}." if "trainer" in cost else ""
    if "reference" in cost:
        found += f" The reference is {cost['reference']}."
    if packing := cost.get("packing"):
        found += f" Computed {packing}."
    if lost := data.get("unrendered"):
        parts = (f"{name.removeprefix('unrendered_')} of {n}" for name, n in lost.items())
        found += f" The chat template leaves out of the pairs: {', '.join(parts)}."
    return found


def _results(scores: list[Score], confidence: float) -> str:
    if not scores:
        return ""
    seeds = max(score.seeds for score in scores)
    remark = f"The intervals ({100 * confidence:g} %) are over questions"
    if seeds > 1:
        remark = f"Means over {seeds} seeds; this folder holds one of them. {remark} and seeds."
    else:
        remark = f"{remark} alone: what another seed would give is not in them."
    lines = [
        f"| {s.benchmark} | {s.metric} | {s.value:z.2f} | {_interval(s)} | {s.n} | {s.seeds} |"
        for s in scores
    ]
    head = ["| benchmark | metric | value | interval | n | seeds |", "|---|---|---|---|---|---|"]
    return "\n".join(["## Results\n", f"{remark}\n", *head, *lines, *_warnings(scores)])


def _interval(score: Score) -> str:
    return "" if score.low is None else f"{score.low:z.2f} to {score.high:z.2f}"


def _warnings(scores: list[Score]) -> list[str]:
    return [
        f"\n**Do not trust the {score.metric.partition(',')[0]} on {score.benchmark}.**"
        f" {_why(score)}"
        for score in scores
        if score.fooled_by or score.distrust
    ]


def _why(score: Score) -> str:
    if not score.fooled_by:
        return f"There {score.distrust}."
    names = ", ".join(score.fooled_by)
    return f"Answers that deserve nothing score at or above the base policy there: {names}."


def _limits(run: dict[str, Any]) -> str:
    dtype = SAVED_AS.get(run["training"]["save_dtype"], run["training"]["save_dtype"])
    return f"""## Limits

Made to compare training methods, not to be relied on. It inherits what its base model and data get
wrong, and has not been tested for safety. Weights are saved as {dtype}; use the base model's chat
template, which is in this folder."""


def _provenance(run: dict[str, Any], cost: dict[str, Any]) -> str:
    facts = {"finished": cost["finished"], "seed": run["seed"]} | run["provenance"]
    text = yaml.safe_dump(facts, sort_keys=False, allow_unicode=True).strip()
    return f"## Provenance\n\n```yaml\n{text}\n```"
