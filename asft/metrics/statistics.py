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

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import bootstrap, permutation_test, t

from asft.config import Statistics
from asft.metrics.corpus import Aggregate, Values, mean

Rows = NDArray[np.intp]
Outcome = Literal["better", "worse", "not separable"]
# Bounds the memory of one batch of resamples: 32 MB of float64.
NUMBERS_PER_BATCH = 4_000_000


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


def answered(sums: Values) -> NDArray[np.bool_]:
    """Return which questions have a count in some seed, (n,); `sums` is (S, n, 2).

    `sums` holds sums and counts.
    """
    return np.asarray(sums[..., 1].sum(axis=0) > 0)


def interval(values: Values, aggregate: Aggregate, settings: Statistics) -> Interval:
    """Return `aggregate` of all seeds' answers together, with its interval; `values`: (S, n, k)."""
    return _interval([values], aggregate, settings)[0]


def paired_difference(
    first: Values, second: Values, aggregate: Aggregate, settings: Statistics
) -> Difference:
    """Return `aggregate(first) - aggregate(second)` with its interval and p-value.

    Both are (S, n, k), or one of them is (1, n, k).

    Questions are paired, and so are seeds: the same seed gives all methods the same batches. The
    p-value is, with one seed, of the permutation test that swaps the two sides within a question
    (exact when 2^n <= `resamples`), else of the t-test that belongs to the interval.
    """
    if first.shape[1:] != second.shape[1:]:
        raise ValueError(f"not paired: shapes {first.shape} and {second.shape}")
    both = np.broadcast_arrays(first, second)
    bounds, p_value = _interval(both, aggregate, settings)
    if len(both[0]) == 1:
        p_value = _permutation_p(first[0], second[0], aggregate, settings)
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
    sides: Sequence[Values], aggregate: Aggregate, settings: Statistics
) -> tuple[Interval, float]:
    """Of `aggregate` of the only side, or of the first less the second; and the t-test's p."""

    def contrast(parts: Sequence[Values]) -> Values:
        found = [aggregate(part) for part in parts]
        return found[0] - found[1] if len(found) > 1 else found[0]

    def pooled(side: Values, rows: Rows) -> Values:
        """The answers of all seeds to these questions, as one corpus."""
        answers = np.moveaxis(side[:, rows], 0, -3)
        return answers.reshape(*answers.shape[:-3], -1, answers.shape[-1])

    seeds, n = sides[0].shape[:2]
    found, se_questions = _bootstrap(
        lambda rows: contrast([pooled(side, rows) for side in sides]), sides[0].shape, settings
    )
    if seeds < 2 or n < 2:
        return found, np.nan
    between = float(contrast(sides).var(ddof=1))
    variance = se_questions**2 + between / seeds
    if variance == 0:
        return Interval(found.value, found.value, found.value, "seeds", 0.0), float(not found.value)
    df = variance**2 / (se_questions**4 / (n - 1) + (between / seeds) ** 2 / (seeds - 1))
    half = float(t.ppf((1 + settings.confidence) / 2, df)) * variance**0.5
    p_value = 2 * float(t.sf(abs(found.value) / variance**0.5, df))
    low, high = found.value - half, found.value + half
    return Interval(found.value, low, high, "seeds", between**0.5), p_value


def _bootstrap(
    statistic: Callable[[Rows], Values], shape: tuple[int, ...], settings: Statistics
) -> tuple[Interval, float]:
    """Interval and standard error over questions.

    Resamples row numbers, so that all columns, and both sides of a difference, stay paired.
    """
    rows = np.arange(shape[1])
    value = float(statistic(rows))
    if len(rows) < 2:
        return Interval(value, np.nan, np.nan, "none", np.nan), np.nan
    resample = partial(
        bootstrap,
        (rows,),
        lambda sample, axis: statistic(sample),
        vectorized=True,
        confidence_level=settings.confidence,
        batch=_batch(shape),
        rng=np.random.default_rng(settings.seed),
    )
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # scipy's DegenerateDataWarning: answered by the next lines
        method = "BCa"
        result = resample(n_resamples=settings.resamples, method=method)
        if not np.isfinite(result.confidence_interval).all():
            method = "percentile"
            result = resample(n_resamples=0, bootstrap_result=result, method=method)
    low, high = result.confidence_interval
    bounds = Interval(value, float(low), float(high), method, np.nan)
    return bounds, float(result.standard_error)


def _permutation_p(
    first: Values, second: Values, aggregate: Aggregate, settings: Statistics
) -> float:
    n = len(first)
    if n < 2:
        return np.nan
    both = np.concatenate([first, second])
    result = permutation_test(
        (np.arange(n), np.arange(n, 2 * n)),
        lambda i, j, axis: aggregate(both[i]) - aggregate(both[j]),
        permutation_type="samples",
        vectorized=True,
        n_resamples=settings.resamples,
        batch=_batch(both.shape),
        rng=np.random.default_rng(settings.seed),
    )
    return float(result.pvalue)


def _batch(shape: tuple[int, ...]) -> int:
    return max(1, NUMBERS_PER_BATCH // int(np.prod(shape)))
