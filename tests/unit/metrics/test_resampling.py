"""Intervals and p-values against scipy's, which recomputes the statistic for every resample."""

import warnings
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import bootstrap, permutation_test, t

from asft.config.experiment import Statistics
from asft.metrics.arena_hard import win_rate
from asft.metrics.corpus import Aggregate, Values, corpus_bleu, mean
from asft.metrics.statistics import (
    interval,
    paired_difference,
    resample,
    resampled_difference,
    resampled_interval,
)

SETTINGS = Statistics(resamples=300, seed=3)


def slow_interval(sides: Sequence[Values], aggregate: Aggregate) -> tuple[list[float], float]:
    """[value, low, high] over questions alone and the standard error: rows, resampled by scipy."""

    def statistic(rows, axis):  # (..., n) numbers of rows; the answers of all seeds as one corpus
        pools = [np.concatenate([seed[rows] for seed in side], axis=-2) for side in sides]
        parts = [aggregate(pool) for pool in pools]
        return parts[0] - parts[1] if len(parts) > 1 else parts[0]

    rows = np.arange(sides[0].shape[1])
    options = {"vectorized": True, "n_resamples": SETTINGS.resamples}
    for method in ("BCa", "percentile"):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            rng = np.random.default_rng(SETTINGS.seed)
            found = bootstrap((rows,), statistic, method=method, rng=rng, **options)
        if np.isfinite(found.confidence_interval).all():
            break
    return [float(statistic(rows, -1)), *found.confidence_interval], float(found.standard_error)


def slow_p(first: Values, second: Values, aggregate: Aggregate) -> float:
    n, both = first.shape[1], np.concatenate([first[0], second[0]])
    found = permutation_test(
        (np.arange(n), np.arange(n, 2 * n)),
        lambda i, j, axis: aggregate(both[i]) - aggregate(both[j]),
        permutation_type="samples",
        vectorized=True,
        n_resamples=SETTINGS.resamples,
        rng=np.random.default_rng(SETTINGS.seed),
    )
    return float(found.pvalue)


def means(random: np.random.Generator, seeds: int, n: int) -> Values:
    """Skewed scores with a common part, as those of a metric have.

    In 1/1024, so that sums are exact: scipy takes a resample of every question once for smaller or
    larger than the questions themselves, by the order of summation.
    """
    scores = random.gamma(2, 10, (1, n, 1)) + random.exponential(5, (seeds, n, 1))
    return np.round(scores * 1024) / 1024


def decimals(random: np.random.Generator, seeds: int, n: int) -> Values:
    """Scores as score files hold them."""
    return np.round(means(random, seeds, n) / 3, 4)


def counts(random: np.random.Generator, seeds: int, n: int) -> Values:
    """BLEU's counts; few 4-grams match, so that resamples without any are smoothed."""
    total = random.integers(4, 40, (seeds, n, 1)) - np.arange(4)
    correct = random.binomial(total, [0.5, 0.3, 0.1, 0.3 / n])
    lengths = random.integers(4, 40, (seeds, n, 2))
    return np.concatenate([correct, total, lengths], axis=-1).astype(float)


def games(random: np.random.Generator, seeds: int, n: int) -> Values:
    weight = random.choice([2.0, 4.0, 6.0], (seeds, n))
    return np.stack([weight * random.choice([0, 0.5, 1], (seeds, n)), weight], axis=-1)


KINDS = [(means, mean), (counts, corpus_bleu), (games, win_rate)]
DECIMALS = (decimals, mean, 200)


@pytest.mark.parametrize(
    ("kind", "aggregate", "n"), [(*kind, n) for kind in KINDS for n in (4, 9, 60)] + [DECIMALS]
)
def test_one_seed_is_scipy_s(kind, aggregate: Aggregate, n: int):
    """n = 4: all 16 permutations; above 8 of them, random ones."""
    random = np.random.default_rng(n)
    first, second = kind(random, 1, n), kind(random, 1, n)
    found = interval(first, aggregate, SETTINGS)
    np.testing.assert_allclose(found[:3], slow_interval([first], aggregate)[0], rtol=1e-9)
    difference = paired_difference(first, second, aggregate, SETTINGS)
    expected, _ = slow_interval([first, second], aggregate)
    np.testing.assert_allclose(difference[:3], expected, rtol=1e-9, atol=1e-9)
    assert difference.p_value == slow_p(first, second, aggregate)


@pytest.mark.parametrize("others", [1, 3])
@pytest.mark.parametrize(("kind", "aggregate"), KINDS)
def test_standard_error_of_several_seeds_is_scipy_s(kind, aggregate: Aggregate, others: int):
    """Seen in the interval when its other part, the spread between seeds, is taken out."""
    random = np.random.default_rng(7)
    first, second = kind(random, 3, 40), kind(random, others, 40)
    sides = np.broadcast_arrays(first, second)
    expected, se_questions = slow_interval(sides, aggregate)
    per_seed = [aggregate(a) - aggregate(b) for a, b in zip(*sides, strict=True)]
    one, other = (part.resampled for part in resample([first, second], SETTINGS))
    found = paired_difference(first, second, aggregate, SETTINGS)
    assert found.value == pytest.approx(expected[0], rel=1e-9)
    assert found.seed_sd == pytest.approx(np.std(per_seed, ddof=1), rel=1e-9)
    assert (found.method, one.shape[0], other.shape[0]) == ("seeds", 300, 300)
    between = found.seed_sd**2 / 3
    df = (se_questions**2 + between) ** 2 / (se_questions**4 / 39 + between**2 / 2)
    half = t.ppf(0.975, df) * (se_questions**2 + between) ** 0.5
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=1e-9)


def test_many_methods_at_once_are_each_pair_alone():
    """Other columns in the same matrix product change no digit that is shown."""
    random = np.random.default_rng(1)
    sides = [kind(random, seeds, 30) for kind, _ in KINDS for seeds in (1, 1, 2)]
    aggregates = [aggregate for _, aggregate in KINDS for _ in range(3)]
    together = resample(sides, SETTINGS)
    for sums, side, aggregate in zip(together, sides, aggregates, strict=True):
        found = resampled_interval(sums, aggregate, SETTINGS)
        assert found[:3] == pytest.approx(interval(side, aggregate, SETTINGS)[:3], rel=1e-12)
    for start, (_, aggregate) in zip((0, 3, 6), KINDS, strict=True):
        for i, j in [(0, 1), (1, 2), (2, 0)]:
            pair = together[start + i], together[start + j]
            alone = paired_difference(sides[start + i], sides[start + j], aggregate, SETTINGS)
            found = resampled_difference(*pair, aggregate, SETTINGS)
            assert found[:3] == pytest.approx(alone[:3], rel=1e-12)
            assert found.p_value == pytest.approx(alone.p_value, rel=1e-12)


@pytest.mark.parametrize("shift", [0, 0.1, -3.3])
def test_a_constant_difference_is_one_in_every_order_of_summation(shift: float):
    """Sums of decimals differ in their last digits; the interval must not be made of these."""
    second = np.round(np.random.default_rng(0).normal(30, 5, (1, 7, 1)), 1)
    found = paired_difference(second + shift, second, mean, SETTINGS)
    assert found[:4] == (found.value, found.value, found.value, "percentile")
    assert found.value == pytest.approx(shift)
    # All 2^7 swaps are tried; with a shift, the questions as they are and all swapped are extreme.
    assert found.p_value == (2 / 2**7 if shift else 1)


def test_a_statistic_of_more_than_sums_is_refused():
    """The median cannot be had from sums, and neither can a mean of one's own making."""
    values = np.random.default_rng(0).normal(5, 1, (1, 9, 1))
    with pytest.raises(ValueError, match="looks at more than the sums"):
        interval(values, lambda rows: np.median(rows[..., 0], axis=-1), SETTINGS)
