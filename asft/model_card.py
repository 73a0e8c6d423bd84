"""The README.md of a trained policy, by the Hugging Face hub's conventions for model cards."""

import csv
from pathlib import Path
from typing import Any

import yaml

from asft.errors import UserError
from asft.losses import METHODS

Row = dict[str, str]
# Columns of table3.csv and the beginnings of table2.csv's, and what they are.
REFERENCE_METRICS = {
    "lf_bleu4": "BLEU-4",
    "lf_rouge1": "ROUGE-1",
    "lf_rouge2": "ROUGE-2",
    "lf_rougeL": "ROUGE-L",
}
WIN_RATE = ("arena_hard_win_rate", "arena_hard")
SAVED_AS = {"bfloat16": "bf16", "float32": "fp32"}


class Score(dict[str, Any]):
    """One line of the card: benchmark, metric, value, low, high, n, seeds."""


def scores_of(dataset: str, method: str, table3: Path | None, table2: Path | None) -> list[Score]:
    """The policy's rows in the tables that have one."""
    found = []
    for row in _rows(table3):
        if (row["dataset"], row["method"]) == (dataset, method):
            for column, label in REFERENCE_METRICS.items():
                found.append(_score(row, row["benchmark"], label, column, column, row["n"]))
    for row in _rows(table2):
        if row["method"] == method:
            value, start = WIN_RATE
            n = row[f"{start}_n"]
            found.append(_score(row, "Arena-Hard style", "win rate, %", value, start, n))
            for column in row:
                if column.startswith("mt_bench_") and f"{column}_low" in row:
                    judge = column.removeprefix("mt_bench_")
                    label = f"rating by {judge}, 1-10"
                    n = row[f"{column}_n"]
                    found.append(_score(row, "MT-Bench style", label, column, column, n))
    return [score for score in found if score["value"]]


def _rows(path: Path | None) -> list[Row]:
    if path is None:
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _score(row: Row, benchmark: str, metric: str, value: str, start: str, n: str) -> Score:
    low, high = row[f"{start}_low"], row[f"{start}_high"]
    about = {"benchmark": benchmark, "metric": metric, "seeds": row["seeds"], "n": n}
    return Score(about, value=row[value], low=low, high=high)


def model_card(
    run: dict[str, Any],
    data: dict[str, Any],
    cost: dict[str, Any],
    scores: list[Score],
    *,
    base: str,
    note: str,
) -> str:
    """The card's text.

    Args:
        run: settings.yaml. data, cost: card.json of the data set, cost.json of the run.
        base: the base model's name on the hub, or "" if it has none.

    Raises:
        UserError: a loss that this version does not know.
    """
    if run["loss"] not in METHODS:
        raise UserError(f"settings.yaml: no loss {run['loss']!r}")
    title = f"{run['model']}-{run['dataset']}-{run['method']}"
    front = {
        **({"base_model": base, "base_model_relation": "finetune"} if base else {}),
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["preference-optimization", run["loss"], "generated_from_trainer"],
    }
    header = yaml.safe_dump(front, sort_keys=False, allow_unicode=True)
    parts = [
        f"---\n{header}---\n\n# {title}",
        _summary(run, base, note),
        _training(run, data, cost),
    ]
    parts += [_results(scores), _limits(run), _provenance(run, cost)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _summary(run: dict[str, Any], base: str, note: str) -> str:
    source = f"[{base}](https://huggingface.co/{base})" if base else f"`{run['model']}`"
    loss = METHODS[run["loss"]].loss.__doc__ or ""
    first = loss.strip().splitlines()[0]
    return f"{source} trained on preference pairs by `{run['method']}`: {first}\n\n> {note}"


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
peak memory {cost["peak_memory_bytes"] / 1e9:.1f} GB.

| setting | value |
|---|---|
{settings}"""


def _results(scores: list[Score]) -> str:
    if not scores:
        return ""
    lines = [
        f"| {s['benchmark']} | {s['metric']} | {float(s['value']):.2f} "
        f"| {float(s['low']):.2f} to {float(s['high']):.2f} | {s['n']} | {s['seeds']} |"
        for s in scores
    ]
    return "\n".join(
        [
            "## Results\n",
            "Means over the seeds; this folder holds one of them. The intervals are over questions"
            " and seeds.\n",
            "| benchmark | metric | value | interval | n | seeds |",
            "|---|---|---|---|---|---|",
            *lines,
        ]
    )


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
