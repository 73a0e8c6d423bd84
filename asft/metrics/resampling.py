"""The bootstrap and the permutation test, of sums over questions.

All statistics here look at nothing but sums over questions. A resample is then how often it holds
each question, so the sums of all methods' columns are one matrix product, drawn once; and those
with a question left out are the total less one row. Numbers are drawn as `scipy.stats.bootstrap`
and `scipy.stats.permutation_test` draw them.
"""

from collections.abc import Iterator

import numpy as np
from scipy.special import ndtr, ndtri

from asft.config import Statistics
from asft.metrics.corpus import Values

# Bounds the memory of one batch of resamples: 32 MB of float64.
NUMBERS_PER_BATCH = 4_000_000


def resampled_sums(rows: Values, settings: Statistics) -> Values:
    """Return the sums over questions of every bootstrap resample: (n, k) -> (resamples, k)."""
    n = len(rows)
    rng = np.random.default_rng(settings.seed)
    offsets = np.arange(settings.resamples)[:, None] * n

    def counts(size: int) -> Values:
        picks = rng.integers(0, n, (size, n)) + offsets[:size]
        found = np.bincount(picks.ravel(), minlength=size * n)
        return np.asarray(found.reshape(size, n), dtype=float)

    # Less the first row: of a column that is constant all resamples are then exactly equal.
    sums = [counts(size) @ (rows - rows[0]) for size in _batches(settings.resamples, n)]
    return np.asarray(np.concatenate(sums) + n * rows[0])


def swapped_sums(rows: Values, settings: Statistics) -> Values:
    """Return the sums over the questions that each permutation swaps: (n, k) -> (permutations, k).

    All 2^n sets of questions where these are no more than `resamples`, else so many at random.
    """
    n = len(rows)
    if n < settings.resamples.bit_length():
        sets = np.arange(2**n)[:, None] >> np.arange(n) & 1
        return np.asarray(sets.astype(float) @ rows)
    rng = np.random.default_rng(settings.seed)

    def swapped(size: int) -> Values:
        sides = np.broadcast_to(np.arange(2), (size, n, 2))
        return rng.permuted(sides, axis=-1)[..., 0].astype(float)

    return np.concatenate([swapped(size) @ rows for size in _batches(settings.resamples, 2 * n)])


def bca_interval(
    value: float, resampled: Values, left_out: Values, confidence: float
) -> tuple[float, float]:
    """Return the bias-corrected and accelerated bootstrap interval; NaN where it is not defined.

    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, equations 14.9 to 14.15.

    Args:
        value: the statistic of all questions
        resampled: the statistic of each resample
        left_out: the statistic of all questions but one, for each of them
        confidence: the share of such intervals that hold the truth
    """
    below = (resampled < value).mean() / 2 + (resampled <= value).mean() / 2
    influence = left_out.mean() - left_out
    tail = ndtri(np.array([1 - confidence, 1 + confidence]) / 2)
    with np.errstate(all="ignore"):
        bias = ndtri(below)
        acceleration = (influence**3).sum() / (6 * (influence**2).sum() ** 1.5)
        levels = ndtr(bias + (bias + tail) / (1 - acceleration * (bias + tail)))
    if not np.isfinite(levels).all():
        return np.nan, np.nan
    low, high = np.quantile(resampled, levels)
    return float(low), float(high)


def permutation_p(value: float, permuted: Values, n: int) -> float:
    """Return the two-sided p-value of a difference, by those of the permutations of `n` questions.

    Args:
        value: the difference of all questions as they are
        permuted: the difference after each permutation
        n: the number of questions; if all 2^n permutations are there, the test is exact
    """
    extra = 0 if len(permuted) == 2**n else 1  # the questions as they are, where not among them
    less = int((permuted <= value).sum()) + extra
    greater = int((permuted >= value).sum()) + extra
    return min(1.0, 2 * min(less, greater) / (len(permuted) + extra))


def _batches(count: int, numbers: int) -> Iterator[int]:
    """Sizes that add up to `count`, for arrays of so many numbers an item."""
    size = max(1, NUMBERS_PER_BATCH // numbers)
    for start in range(0, count, size):
        yield min(size, count - start)
