"""A judge's agreement with published verdicts as JSON, CSV and Markdown, and in Table 2's words.

Writes  agreement.json            the measures with their intervals, and all counts
        agreement.csv             a row per pair: both verdicts, without the texts
        agreement.md              the same measures to read
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from asft.config import Statistics
from asft.errors import UserError
from asft.files import read_json, write_json, write_text
from asft.metrics import (
    ComparedPair,
    Interval,
    PairChoices,
    agreed,
    compared_with_chance,
    measure_agreement,
    side,
)
from asft.tables.text import DECIMALS, NONE, bracketed, csv_text, grid

Summary = dict[str, Any]  # the content of agreement.json
MEASURES = {
    "agreement": ("agrees, both orders together", "%"),
    "kappa": ("Cohen's kappa", ""),
    "auc": ("AUC of its probabilities", ""),
    "swap_consistency": ("same verdict in both orders", "%"),
    "first_position_rate": ("first position wins", "%"),
    "longer_answer": ("who prefers the longer answer agrees", "%"),
    "always_first": ("who prefers the pair's first agrees", "%"),
}
EXPLAINED = (
    "Chance is 50 %: as many of the pairs' published verdicts prefer the first answer as the"
    " second. A judge that prefers neither (its two orders disagree, or it says so) agrees by half;"
    " published verdicts that prefer neither are left out. Kappa takes preferring neither for an"
    " answer of its own, and is 0 by chance, as the AUC is 0.5. First position: of games with a"
    " winner; 50 % without a taste for position. Intervals are over questions."
)
OUTCOMES = ("first", "neither", "second")


def write_agreement(
    about: Mapping[str, Any],
    pairs: Sequence[ComparedPair],
    choices: PairChoices,
    statistics: Statistics,
    out: Path,
) -> Summary:
    """Write agreement.json to `out`, the CSV and the Markdown beside it; return the JSON's content.

    Args:
        about: what was asked of whom, first in the JSON.

    Raises:
        UserError: no pair has a verdict of the judge.
    """
    kept = choices.complete
    if not kept.any():
        raise UserError(f"{out}: the judge gave no verdict on any of {len(pairs)} pairs")
    found = measure_agreement(pairs, choices, statistics)
    rows = [_row(pair, choices, number) for number, pair in enumerate(pairs)]
    judged = [row for row in rows if row["prefers"]]
    statuses = Counter(v.status for p in pairs for game in p.verdicts for v in game)
    summary = dict(about) | {
        "pairs": len(pairs),
        "judged": len(judged),
        "prefers": {name: sum(r["prefers"] == name for r in judged) for name in OUTCOMES},
        "statuses": dict(sorted(statuses.items())),
        "questions": len({row["question_id"] for row in judged}),
        "models": len({(row["model_1"], row["model_2"]) for row in judged}),
        "confidence": statistics.confidence,
        "outcome": compared_with_chance(found["agreement"]),
        "measures": {name: _numbers(value) for name, value in found.items()},
    }
    write_text(out.with_suffix(".csv"), csv_text(pd.DataFrame(rows)))
    write_text(out.with_suffix(".md"), agreement_markdown(summary))
    write_json(out, summary)
    return summary


def read_agreement(path: Path) -> Summary:
    """Read agreement.json.

    Raises:
        UserError: no such file, or not what `asft judge-agreement` writes.
    """
    found = read_json(path)
    if not isinstance(found, dict) or not {"measures", "outcome", "judged"} <= found.keys():
        raise UserError(f"{path}: not an agreement.json of `asft judge-agreement`; make it again")
    return found


def agreement_note(summary: Summary) -> str:
    """Say how far a judge agrees with published verdicts, beside chance and the longer answer."""
    longer = summary["measures"]["longer_answer"]["value"]
    return f"{_agrees(summary)} (chance: 50 %; the longer answer: {_shown(longer, '%')})"


def agreement_fault(summary: Summary) -> str:
    """Say that a judge's agreement does not speak for it; "" where it is above chance."""
    if summary["outcome"] == "above chance":
        return ""
    return f"the judge {_agrees(summary)}, {summary['outcome']}"


def measure_cells(summary: Summary) -> list[tuple[str, str, str]]:
    """Return (name, value, interval) of every measure as people read them; dashes of none."""
    cells = []
    for name, (label, unit) in MEASURES.items():
        found = summary["measures"].get(name, dict.fromkeys(("value", "low", "high")))
        cells.append((label, _shown(found["value"], unit), _interval(found, unit)))
    return cells


def agreement_markdown(summary: Summary) -> str:
    """Return the measures of a judge in Markdown, with what they are made of."""
    lines = [
        {"measure": label, "value": value, "interval": interval}
        for label, value, interval in measure_cells(summary)
    ]
    published, prefers = summary["published"], summary["prefers"]
    left_out = "; ".join(f"{reason}: {count}" for reason, count in published["left_out"].items())
    counts = (
        f"{summary['pairs']} pairs of {published['usable']} usable ones, half of which prefer the"
        f" first answer: {summary['judged']} with a verdict in both orders, on"
        f" {summary['questions']} questions, of {summary['models']} pairs of models."
        f" Left out before: {left_out or 'none'}. The judge prefers the first answer of"
        f" {prefers['first']}, the second of {prefers['second']}, neither of {prefers['neither']}."
    )
    sections = [
        f"# How good is the judge {summary['judge']}, asked by {summary['protocol']}",
        f"It {agreement_note(summary)}, {summary['outcome']}.",
        grid(lines),
        f"[low, high]: {100 * summary['confidence']:g} %. {EXPLAINED}",
        counts,
    ]
    return "\n\n".join(sections) + "\n"


def _row(pair: ComparedPair, choices: PairChoices, number: int) -> dict[str, Any]:
    """One pair in the CSV; empty cells where the judge has no verdict in both orders."""
    there, own = bool(choices.complete[number]), choices.sides[number]
    preferred = dict(zip((-1, 0, 1), OUTCOMES, strict=True))
    truth = side(pair.published)
    games = choices.preferences[number].tolist()
    return {
        "pair_id": pair.pair_id,
        "question_id": pair.question_id,
        **{f"model_{n}": name for n, name in enumerate(pair.models, 1)},
        **{f"length_{n}": length for n, length in enumerate(pair.lengths, 1)},
        "published": pair.published,
        **{f"preference_{n}": _finite(value) for n, value in enumerate(games, 1)},
        "expected": _finite(float(choices.expected[number].mean())),
        "prefers": preferred[int(own)] if there else "",
        "agrees": float(agreed(own, truth)) if there else None,
    }


def _numbers(found: Interval) -> dict[str, float | None]:
    numbers = {"value": found.value, "low": found.low, "high": found.high}
    return {name: _finite(value) for name, value in numbers.items()}


def _finite(value: float) -> float | None:
    return round(float(value), DECIMALS) + 0.0 if math.isfinite(value) else None


def _agrees(summary: Summary) -> str:
    found = summary["measures"]["agreement"]
    return (
        f"agrees with {summary['published']['judge']} on {_shown(found['value'], '%')}"
        f" {_interval(found, '%')} of {summary['judged']} published pairs"
    )


def _shown(value: float | None, unit: str) -> str:
    if value is None:
        return NONE
    return f"{100 * value:.0f} %" if unit else f"{value:.2f}"


def _interval(found: Mapping[str, float | None], unit: str) -> str:
    low, high = found["low"], found["high"]
    if low is None or high is None:
        return NONE
    return bracketed(100 * low, 100 * high, 0) if unit else bracketed(low, high, 2)
