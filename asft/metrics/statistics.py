"""Corpus values from per-question numbers, their intervals and paired differences.

`Values` of one method are (seeds, questions, columns). Two things vary between one experiment and
the next of its kind: which questions are asked, and the seed of the training.

One seed: a bootstrap over questions (BCa); what another seed would give is not in it, and the
tables say so. Several seeds: the two are crossed (every seed answers every question), and with
three seeds no bootstrap over seeds is honest. Then

    se² = se_questions² + sd_seeds² / S        (bootstrap over questions; S per-seed values)

with t quantiles at Satterthwaite's degrees of freedom,

    df = se⁴ / (se_questions⁴ / (n - 1) + (sd_seeds² / S)² / (S - 1)).

Both terms hold the variation of single answers, so the interval errs on the wide side.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t

from asft.config import Statistics
from asft.metrics.corpus import Aggregate, Values, mean, of_sums
from asft.metrics.resampling import bca_interval, permutation_p, resampled_sums, swapped_sums

Outcome = Literal["better", "worse", "not separable"]
# A share of the value: what differs by less does so by the order of summation, and counts as equal.
ROUNDING = 1e-12


class Interval(NamedTuple):
    """A corpus value and its interval, with the spread between seeds.

    `method`: BCa, percentile (all resamples agree), seeds (see the module) or none (fewer than 2
    questions). `seed_sd`: standard deviation of the per-seed values; NaN with one seed.
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


class Sums(NamedTuple):
    """One method's columns, (seeds, n, k), and sums of all seeds' answers over resampled questions.

    `resampled` is (resamples, k); `swapped` (permutations, k), or empty where no test asks for it.
    """

    values: Values
    resampled: Values
    swapped: Values


def answered(sums: Values) -> NDArray[np.bool_]:
    """Return which questions have a count in some seed, (n,); `sums` is (S, n, 2).

    `sums` holds sums and counts.
    """
    return np.asarray(sums[..., 1].sum(axis=0) > 0)


def resample(sides: Sequence[Values], settings: Statistics) -> list[Sums]:
    """Resample the questions of several methods' columns at once, so that these stay paired.

    Each is (seeds, n, k), with the same n questions.

    Raises:
        ValueError: they differ in their number of questions.
    """
    shapes = [side.shape for side in sides]
    if len({n for _, n, _ in shapes}) > 1:
        raise ValueError(f"not paired: shapes {' and '.join(map(str, shapes))}")
    rows = np.concatenate([side.sum(axis=0) for side in sides], axis=1)
    tested = len(rows) > 1 and sum(seeds == 1 for seeds, _, _ in shapes) > 1
    resampled = resampled_sums(rows, settings) if len(rows) > 1 else rows[:0]
    swapped = swapped_sums(rows, settings) if tested else rows[:0]
    ends = np.cumsum([k for _, _, k in shapes])[:-1]
    parts = (np.split(sums, ends, axis=1) for sums in (resampled, swapped))
    return [Sums(*part) for part in zip(sides, *parts, strict=True)]


def interval(values: Values, aggregate: Aggregate, settings: Statistics) -> Interval:
    """Return `aggregate` of all seeds' answers together, with its interval; `values`: (S, n, k).

    Raises:
        ValueError: `aggregate` looks at more than the sums over questions.
    """
    return resampled_interval(resample([values], settings)[0], aggregate, settings)


def paired_difference(
    first: Values, second: Values, aggregate: Aggregate, settings: Statistics
) -> Difference:
    """Return `aggregate(first) - aggregate(second)` with its interval and p-value.

    Both are (S, n, k), or one of them is (1, n, k).

    Questions are paired, and so are seeds: the same seed gives all methods the same batches. The
    p-value is, with one seed, of the permutation test that swaps the two sides within a question
    (exact when 2^n <= `resamples`), else of the t-test that belongs to the interval.

    Raises:
        ValueError: the two differ in their questions, or `aggregate` looks at more than the sums
            over these.
    """
    one, other = resample([first, second], settings)
    return resampled_difference(one, other, aggregate, settings)


def resampled_interval(sums: Sums, aggregate: Aggregate, settings: Statistics) -> Interval:
    """Return what `interval` does, of questions that `resample` has resampled."""
    return _interval([sums], aggregate, settings)[0]


def resampled_difference(
    first: Sums, second: Sums, aggregate: Aggregate, settings: Statistics
) -> Difference:
    """Return what `paired_difference` does, of questions that one `resample` has resampled."""
    bounds, p_value = _interval([first, second], aggregate, settings)
    return Difference(*bounds, p_value=p_value)


def compare_scores(
    first: ArrayLike, second: ArrayLike, settings: Statistics | None = None
) -> tuple[Difference, Outcome]:
    """Compare the mean scores of two systems on the same questions, where more is better.

    Returns first minus second with its interval and p-value, and the word for the first:
    `paired_difference` and `outcome` of means.

    Args:
        first, second: a score per question, (n,), in the same order; or such a list per training
            seed, (seeds, n).
        settings: confidence, resamples and their random seed; default: those of the config.

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
    return found, outcome(found, settings)


def outcome(difference: Difference, settings: Statistics) -> Outcome:
    """Say in a word how the first method compares with the second, where more is better.

    By interval and by test: with a few dozen questions a bootstrap interval alone is too narrow.
    """
    if not difference.p_value < 1 - settings.confidence:
        return "not separable"
    if difference.low > 0:
        return "better"
    return "worse" if difference.high < 0 else "not separable"


def _interval(
    sides: Sequence[Sums], aggregate: Aggregate, settings: Statistics
) -> tuple[Interval, float]:
    """Of `aggregate` of the only side, or of the first less the second; and the p-value."""
    values = np.broadcast_arrays(*(side.values for side in sides))
    seeds, n, k = values[0].shape
    whole = [aggregate(side.reshape(-1, k)) for side in values]
    summed = [of_sums(aggregate, side.sum(axis=(0, 1)), seeds * n) for side in values]
    if not np.allclose(whole, summed, equal_nan=True):
        raise ValueError(f"{aggregate} looks at more than the sums over questions")
    value, tolerance = float(_contrast(whole)), ROUNDING * float(np.abs(whole).max())
    if n < 2:
        return Interval(value, np.nan, np.nan, "none", np.nan), np.nan

    def contrast(sums: Sequence[Values], questions: int) -> Values:
        parts = [of_sums(aggregate, side, seeds * questions) for side in sums]
        found = _contrast(parts)
        return np.where(np.abs(found - value) <= tolerance, value, found)

    # Against several seeds, a side of one seed gives the same answers in each.
    times = [seeds // len(side.values) for side in sides]
    resampled = contrast([side.resampled * s for side, s in zip(sides, times, strict=True)], n)
    if seeds > 1:
        per_seed = _contrast([aggregate(side) for side in values])
        return _over_seeds(value, float(resampled.std(ddof=1)), per_seed, n, settings)
    totals = [side.sum(axis=(0, 1)) for side in values]
    rest = [total - side[0] for total, side in zip(totals, values, strict=True)]
    found = _over_questions(value, resampled, contrast(rest, n - 1), settings)
    if len(sides) < 2:
        return found, np.nan
    moved = sides[1].swapped - sides[0].swapped
    return found, permutation_p(value, contrast([totals[0] + moved, totals[1] - moved], n), n)


def _contrast(parts: Sequence[Values]) -> Values:
    return parts[0] - parts[1] if len(parts) > 1 else parts[0]


def _over_questions(
    value: float, resampled: Values, left_out: Values, settings: Statistics
) -> Interval:
    low, high = bca_interval(value, resampled, left_out, settings.confidence)
    if np.isfinite([low, high]).all():
        return Interval(value, low, high, "BCa", np.nan)
    tails = [(1 - settings.confidence) / 2, (1 + settings.confidence) / 2]
    low, high = map(float, np.quantile(resampled, tails))
    return Interval(value, low, high, "percentile", np.nan)


def _over_seeds(
    value: float, se_questions: float, per_seed: Values, n: int, settings: Statistics
) -> tuple[Interval, float]:
    """The interval of several seeds, and the p-value of its t-test; formulas: see the module."""
    seeds, between = len(per_seed), float(per_seed.var(ddof=1))
    variance = se_questions**2 + between / seeds
    if variance == 0:
        return Interval(value, value, value, "seeds", 0.0), float(not value)
    df = variance**2 / (se_questions**4 / (n - 1) + (between / seeds) ** 2 / (seeds - 1))
    half = float(t.ppf((1 + settings.confidence) / 2, df)) * variance**0.5
    p_value = 2 * float(t.sf(abs(value) / variance**0.5, df))
    return Interval(value, value - half, value + half, "seeds", between**0.5), p_value
