"""How far a policy's confidence in its choices is its accuracy: bins, and the expected error.

Of a task of lm-evaluation-harness whose `acc` says whether the likeliest option is the right one
(truthfulqa_mc1, arc, mmlu). The confidence is that option's probability among all options, by
softmax over their log-likelihoods; of a calibrated policy, 0.8 of the choices that it has a
confidence of 0.8 in are right.

    ECE = sum over bins B of |B| / n · |accuracy(B) - confidence(B)|

with bins of equal width, each closed on its right (Guo, Pleiss, Sun and Weinberger 2017, On
Calibration of Modern Neural Networks, arXiv 1706.04599). From few answers it is above 0 even of a
calibrated policy: `by_chance` says how far.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asft.config import Statistics
from asft.errors import UserError
from asft.files import iterate_json_rows
from asft.metrics.ability_scores import ratio
from asft.metrics.statistics import Interval, answered, interval

BINS = 10
DRAWS = 200  # of calibrated policies
_EDGES = np.linspace(0, 1, BINS + 1)
Numbers = NDArray[np.float64]


class Choices(NamedTuple):
    """What one policy chose in a task: its confidence in each choice, and which are right, (n,)."""

    asked: list[str]
    confidence: Numbers
    right: Numbers


class Bin(NamedTuple):
    """The answers of all seeds whose confidence is above `low`, and at most `high`."""

    low: float
    high: float
    answers: int
    confidence: float  # their mean
    accuracy: Interval


class Calibration(NamedTuple):
    """A policy's calibration in one task; bins that hold no answer are left out."""

    bins: list[Bin]
    answers: int
    confidence: float
    accuracy: float
    error: float  # ECE
    by_chance: float  # mean ECE of calibrated policies with these confidences


def read_choices(path: Path) -> dict[str, Choices | None]:
    """Read lm-eval's samples: what was chosen, by task; None where a log-likelihood is no number.

    Tasks that are no choice of one option are left out: answers in words, and truthfulqa_mc2, whose
    `acc` is a share of probability.

    Raises:
        UserError: no such file, or it does not hold lm-eval's records.
    """
    found: dict[str, list[tuple[str, float, float] | None]] = {}
    for number, row in enumerate(iterate_json_rows(path), 1):
        try:
            found.setdefault(row["task"], []).append(_choice(row))
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise UserError(
                f"{path}, row {number}: no record of lm-eval ({type(error).__name__}: {error});"
                " is this a file of `asft lm-eval`?"
            ) from error
    return {task: _together(rows) for task, rows in found.items() if None not in rows}


def _choice(row: dict[str, Any]) -> tuple[str, float, float] | None:
    """A question's name, the confidence in what was chosen, and whether that is right."""
    right, given = row.get("acc"), row["resps"]
    if right not in (0, 1) or len(given) < 2 or isinstance(given[0][0], str):
        return None
    likelihoods = np.array([each[0][0] for each in given], dtype=float)
    if "acc_mutual_info" in row["metrics"]:  # behind them, those without the question
        likelihoods = likelihoods[: len(given) // 2]
    chosen, target = int(np.argmax(likelihoods)), row["target"]
    if isinstance(target, int) and (chosen == target) != bool(right):
        return None  # a task's own rule, which goes by another name's meaning
    with np.errstate(invalid="ignore"):  # all of them -inf, or NaN
        shares = np.exp(likelihoods - likelihoods.max())
    name = f"{row['part']}/{row['doc_id']} {row['doc_hash'][:12]}"
    return name, float(1 / shares.sum()), float(right)


def _together(rows: list[Any]) -> Choices | None:
    names, *numbers = zip(*rows, strict=True)
    confidence, right = (np.array(each, dtype=float) for each in numbers)
    return Choices(list(names), confidence, right) if np.isfinite(confidence).all() else None


def calibration_of(seeds: Sequence[Choices], settings: Statistics) -> Calibration:
    """Compute bins and expected calibration error over the answers of all seeds together.

    Raises:
        ValueError: the seeds differ in their questions.
    """
    if any(each.asked != seeds[0].asked for each in seeds):
        raise ValueError("seeds of other questions, or in another order")
    confidence, right = (
        np.stack([each[field] for each in seeds])  # (S, n)
        for field in (1, 2)
    )
    places = np.searchsorted(_EDGES[1:-1], confidence)
    bins = []
    for place in np.unique(places):
        inside = places == place
        sums = np.stack([right * inside, inside], axis=-1)
        accuracy = interval(sums[:, answered(sums)], ratio, settings, (0, 1))
        about = (int(inside.sum()), float(confidence[inside].mean()), accuracy)
        bins.append(Bin(float(_EDGES[place]), float(_EDGES[place + 1]), *about))
    return Calibration(
        bins,
        confidence.size,
        float(confidence.mean()),
        float(right.mean()),
        _error(places, confidence, right),
        _by_chance(places, confidence),
    )


def _error(places: NDArray[np.intp], confidence: Numbers, right: Numbers) -> float:
    apart = np.bincount(places.ravel(), weights=(right - confidence).ravel())
    return float(np.abs(apart).sum() / confidence.size)


def _by_chance(places: NDArray[np.intp], confidence: Numbers) -> float:
    """Outcomes are drawn by question, so that all seeds are right, or wrong, together."""
    random = np.random.default_rng(0)
    draws = (random.random(confidence.shape[1]) < confidence for _ in range(DRAWS))
    return float(np.mean([_error(places, confidence, right.astype(float)) for right in draws]))
