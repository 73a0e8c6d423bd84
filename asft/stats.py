"""Corpus values from per-question numbers, their bootstrap intervals and paired differences.

The question is the unit that is resampled: what varies between two benchmarks of the same kind.
"""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap, permutation_test

from asft.config import Statistics

Values = NDArray[np.float64]
Rows = NDArray[np.intp]
Aggregate = Callable[[Values], Values]

# The order that `corpus_bleu` expects.
BLEU_COUNTS = (
    *(f"bleu_correct{n}" for n in range(1, 5)),
    *(f"bleu_total{n}" for n in range(1, 5)),
    "bleu_sys_len",
    "bleu_ref_len",
)

# Bounds the memory of one batch of resamples: 32 MB of float64.
NUMBERS_PER_BATCH = 4_000_000


class Metric(NamedTuple):
    """How one number of a table comes from the columns of the score files."""

    columns: tuple[str, ...]
    over_seeds: Callable[..., Any]
    over_questions: Aggregate


class Interval(NamedTuple):
    """A corpus value and its interval; `method` is BCa, percentile or none (fewer than 2 rows)."""

    value: float
    low: float
    high: float
    method: str


class Difference(NamedTuple):
    """First minus second over the same questions; `p_value` is two-sided."""

    value: float
    low: float
    high: float
    method: str
    p_value: float


def mean(values: Values) -> Values:
    """Mean over questions: (..., n, 1) -> (...)."""
    return np.asarray(values[..., 0].mean(axis=-1))


def corpus_bleu(counts: Values) -> Values:
    """sacreBLEU's corpus BLEU, 0-100, of summed counts: (..., n, 10 `BLEU_COUNTS`) -> (...).

    Equals `sacrebleu.metrics.BLEU.compute_bleu(..., smooth_method="exp")`, which takes one corpus
    at a time: the k-th n-gram order without a match counts as 1 / 2^k matches; BLEU is 0 if no
    order has a match or some order has no n-gram.
    """
    sums = counts.sum(axis=-2)
    correct, total = sums[..., 0:4], sums[..., 4:8]
    system, reference = sums[..., 8], sums[..., 9]
    defined = (correct > 0).any(axis=-1) & (total > 0).all(axis=-1)
    unmatched = correct == 0
    matches = np.where(unmatched, 0.5 ** np.cumsum(unmatched, axis=-1), correct)
    log_precision = np.log(matches / np.maximum(total, 1)).mean(axis=-1)
    log_brevity = np.minimum(0, 1 - reference / np.maximum(system, 1))
    return np.where(defined, 100 * np.exp(log_brevity + log_precision), 0.0)


MEANS = ("rouge1", "rouge2", "rougeL", "lf_bleu4", "lf_rouge1", "lf_rouge2", "lf_rougeL")
METRICS = {
    "bleu4": Metric(BLEU_COUNTS, np.sum, corpus_bleu),
    **{name: Metric((name,), np.mean, mean) for name in MEANS},
}


def interval(values: Values, aggregate: Aggregate, settings: Statistics) -> Interval:
    """Bootstrap interval of `aggregate(values)`; `values` is (n questions, k columns).

    BCa, or percentile where BCa is undefined (all resamples agree); NaN bounds if n < 2.
    """
    return _bootstrap(lambda rows: aggregate(values[rows]), values.shape, settings)


def paired_difference(
    first: Values, second: Values, aggregate: Aggregate, settings: Statistics
) -> Difference:
    """`aggregate(first) - aggregate(second)`; both are (n, k), the same question in the same row.

    The interval resamples questions, both sides together. The p-value is of the permutation test
    that swaps the two sides within a question (exact when 2^n <= `resamples`).
    """
    if first.shape != second.shape:
        raise ValueError(f"not paired: shapes {first.shape} and {second.shape}")

    def difference(rows: Rows) -> Values:
        return aggregate(first[rows]) - aggregate(second[rows])

    bounds = _bootstrap(difference, first.shape, settings)
    return Difference(*bounds, p_value=_permutation_p(first, second, aggregate, settings))


def _bootstrap(
    statistic: Callable[[Rows], Values], shape: tuple[int, ...], settings: Statistics
) -> Interval:
    """Resamples row numbers, so that all columns, and both sides of a difference, stay paired."""
    rows = np.arange(shape[0])
    value = float(statistic(rows))
    if len(rows) < 2:
        return Interval(value, np.nan, np.nan, "none")
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
    return Interval(value, float(low), float(high), method)


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


def separable(low: float, high: float, p_value: float, settings: Statistics) -> bool:
    """Whether a difference stands out from chance: by its interval and by its test.

    Both, because with a few dozen questions a bootstrap interval alone is too narrow.
    """
    return (low > 0 or high < 0) and p_value < 1 - settings.confidence
