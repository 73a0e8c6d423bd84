"""Values per question from what lm-evaluation-harness returns, and its results without times."""

from __future__ import annotations

import math
from collections.abc import Iterator
from numbers import Real
from pathlib import Path
from typing import Any

from asft.abilities.tasks import Asked

Row = dict[str, Any]
# Of its results: when, where and how long say nothing of the policy.
_KEPT = ("results", "group_subtasks", "versions", "n-shot", "higher_is_better", "n-samples")
_SAME = 1e-9


def rows_of(found: dict[str, Any], asked: list[Asked]) -> tuple[list[Row], list[str]]:
    """Return the values of each question, and the metrics that have none.

    A value is a ratio of two sums over the questions: one of right answers, of right instructions.
    A row holds task, metric, filter, question_id, doc (hash of what was asked), sum and count. Left
    out, and named, are metrics which lm-eval does not make of questions in this way (perplexity,
    corpus BLEU): the ratio is not its own value.
    """
    rows: list[Row] = []
    left: list[str] = []
    for each in asked:
        parts = _parts(found, each)
        for (metric, chosen), values in parts.items():
            official = found["results"].get(each.name, {}).get(f"{metric},{chosen}")
            if _is_ratio(values, official):
                about = {"task": each.name, "metric": metric, "filter": chosen}
                rows += [about | value for value in values]
            else:
                left.append(f"{each.name} {metric} ({chosen})")
    return rows, left


def _parts(found: dict[str, Any], asked: Asked) -> dict[tuple[str, str], list[Row]]:
    parts: dict[tuple[str, str], list[Row]] = {}
    for leaf in asked.leaves:
        for sample in found["samples"][leaf]:
            name = str(sample["doc_id"])
            if leaf != asked.name:
                name = f"{leaf}/{name}"
            for metric in sample["metrics"]:
                total, count = _sums(sample[metric])
                value = {"question_id": name, "doc": sample["doc_hash"][:12]}
                value |= {"sum": total, "count": count}
                parts.setdefault((metric, sample["filter"]), []).append(value)
    return parts


def _sums(value: Any) -> tuple[float, float]:
    """A question's share of numerator and denominator; NaN where it is neither number nor list."""
    if isinstance(value, Real):
        return float(value), 1.0
    if isinstance(value, list) and all(isinstance(part, Real) for part in value):
        return float(sum(value)), float(len(value))
    return math.nan, math.nan


def _is_ratio(values: list[Row], official: Any) -> bool:
    total, count = (math.fsum(value[key] for value in values) for key in ("sum", "count"))
    if not isinstance(official, Real) or not count or math.isnan(total):
        return False
    return math.isclose(total / count, float(official), rel_tol=_SAME, abs_tol=_SAME)


def results_of(found: dict[str, Any], version: str) -> dict[str, Any]:
    """Return lm-eval's own results without times, paths and what describes the machine."""
    kept = {key: found[key] for key in _KEPT if key in found}
    kept["configs"] = {name: _without_paths(config) for name, config in found["configs"].items()}
    return kept | {"lm_eval": version}


def _without_paths(value: Any) -> Any:
    """Names of files in place of absolute paths, text of what JSON does not hold."""
    if isinstance(value, dict):
        return {str(key): _without_paths(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_paths(part) for part in value]
    if isinstance(value, str):
        return Path(value).name if value.startswith("/") and "\n" not in value else value
    return value if value is None or isinstance(value, bool | int | float) else _named(value)


def _named(value: Any) -> str:
    return str(getattr(value, "__name__", type(value).__name__))


def samples_of(found: dict[str, Any], asked: list[Asked]) -> Iterator[Row]:
    """Yield lm-eval's record of each question and filter, with its task and, in a group, part."""
    for each in asked:
        for leaf in each.leaves:
            for sample in found["samples"][leaf]:
                yield {"task": each.name, "part": "" if leaf == each.name else leaf, **sample}
