"""Corpus values from per-question numbers, their intervals and paired differences.

`Values` of one method are (seeds, questions, columns). Two things vary between one experiment and
the next of its kind: which questions are asked, and the seed of the training. With one seed,
intervals are over questions alone, and the tables say so. How they are made: metrics/estimates.py.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asft.config import Statistics
from asft.metrics.corpus import Aggregate, Values, mean
from asft.metrics.estimates import Bounds, Estimate, estimate

Outcome = Literal["better", "worse", "not separable"]


class Interval(NamedTuple):
    """A corpus value and its interval, with the spread between seeds.

    `method`: questions, seeds (over both), constant (all questions have the same value) or none
    (fewer than 2 questions). `seed_sd`: standard deviation of the per-seed values; NaN with one
    seed.
    """

    value: float
    low: float
    high: float
    method: str
    seed_sd: float


class Difference(NamedTuple):
    """A paired difference, first minus second over the same questions; `p_value` is two-sided."""

    value: float
    low: float
    high: float
    method: str
    seed_sd: float
    p_value: float
    estimate: Estimate


class Corrected(NamedTuple):
    """What a comparison says beside `compared - 1` others that ask the same.

    `p_holm` is Holm's; the interval holds its truth along with those of all others (Bonferroni's
    level). Holm's later steps can find a difference that no such interval shows; `outcome` then
    ends in "by steps".
    """

    compared: int
    p_holm: float
    low: float
    high: float
    outcome: str


def answered(sums: Values) -> NDArray[np.bool_]:
    """Return which questions have a count in some seed, (n,); `sums` is (S, n, 2).

    `sums` holds sums and counts.
    """
    return np.asarray(sums[..., 1].sum(axis=0) > 0)


def interval(
    values: Values, aggregate: Aggregate, settings: Statistics, span: Bounds | None = None
) -> Interval:
    """Return `aggregate` of all seeds' answers together, with its interval; `values`: (S, n, k).

    Args:
        span: the ends of the scale, of scores with few distinct values: the interval is then
            symmetric as far as the scale goes, and equal answers leave one. Else its tails are of
            equal weight.

    Raises:
        ValueError: `aggregate` looks at more than the sums over questions.
    """
    found = estimate([values], aggregate, span)
    bounds = found.symmetric if span else found.equal_tailed
    low, high = bounds(settings.confidence)
    if span:  # no truth lies beyond
        low, high = max(low, float(span[0])), min(high, float(span[1]))
    return Interval(found.value, low, high, _method(found), found.seed_sd)


def paired_difference(
    first: Values,
    second: Values,
    aggregate: Aggregate,
    settings: Statistics,
    span: Bounds | None = None,
) -> Difference:
    """Return `aggregate(first) - aggregate(second)` with its interval and p-value.

    Both are (S, n, k), or one of them is (1, n, k). Questions are paired, and so are seeds: the
    same seed gives all methods the same batches. The interval excludes 0 exactly when the p-value
    is below 1 - confidence.

    Args:
        span: the ends of the scale of one side, if it has any.

    Raises:
        ValueError: the two differ in their questions, or `aggregate` looks at more than the sums
            over these.
    """
    found = estimate([first, second], aggregate, span)
    low, high = found.symmetric(settings.confidence)
    return Difference(found.value, low, high, _method(found), found.seed_sd, found.p_value(), found)


def compare_scores(
    first: ArrayLike, second: ArrayLike, settings: Statistics | None = None
) -> tuple[Difference, Outcome]:
    """Compare the mean scores of two systems on the same questions, where more is better.

    Returns first minus second with its interval and p-value, and the word for the first:
    `paired_difference` and `outcome` of means.

    Args:
        first, second: a score per question, (n,), in the same order; or such a list per training
            seed, (seeds, n).
        settings: the confidence; default: that of the config.

    Raises:
        ValueError: the two differ in their questions or seeds, or a score is no finite number.
    """
    settings = settings or Statistics()
    a, b = (np.atleast_2d(np.asarray(scores, dtype=float)) for scores in (first, second))
    if a.shape[-1] != b.shape[-1] or not a.size:
        raise ValueError(f"not paired: {a.shape[-1]} scores and {b.shape[-1]}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("a score is no finite number; leave that question out on both sides")
    found = paired_difference(a[..., None], b[..., None], mean, settings)
    return found, outcome(found)


def outcome(found: Difference | Corrected) -> Outcome:
    """Say in a word how the first method compares with the second, where more is better.

    It is separable where the interval excludes 0.
    """
    if found.low > 0:
        return "better"
    return "worse" if found.high < 0 else "not separable"


def corrected(family: Sequence[Difference], settings: Statistics) -> list[Corrected]:
    """Correct the comparisons of a family for their number, in the order given.

    Under `outcome` the probability of any wrong word is at most 1 - confidence. Source: Holm 1979,
    A simple sequentially rejective multiple test procedure.
    """
    count, alpha = len(family), 1 - settings.confidence
    p_values = np.array([each.p_value for each in family], dtype=float)
    order = np.argsort(p_values, kind="stable")  # without a p-value: last
    steps = np.minimum(1, p_values[order] * (count - np.arange(count)))
    holm = np.empty(count)
    holm[order] = np.maximum.accumulate(steps)
    found = []
    for each, p_holm in zip(family, holm.tolist(), strict=True):
        bounds = each.estimate.symmetric(1 - alpha / count)
        one = Corrected(count, p_holm, *bounds, "")
        word: str = outcome(one)
        if word == "not separable" and p_holm < alpha:
            word = "better by steps" if each.value > 0 else "worse by steps"
        found.append(one._replace(outcome=word))
    return found


def _method(found: Estimate) -> str:
    if found.questions < 2:
        return "none"
    if found.constant:
        return "constant"
    return "questions" if np.isnan(found.seed_sd) else "seeds"
