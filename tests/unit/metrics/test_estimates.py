"""Estimates against scipy's tests, leaving out by hand, and experiments whose truth is known."""

import numpy as np
import pytest
from scipy.stats import binomtest, skew, t, ttest_rel

from asft.metrics.arena_hard import win_rate
from asft.metrics.corpus import Aggregate, Values, corpus_bleu, mean
from asft.metrics.estimates import Estimate, critical_value, estimate

SIZES = (16, 20, 44, 80, 500)


def column(values) -> Values:
    return np.asarray(values, dtype=float)[None, :, None]


def counts(random: np.random.Generator, seeds: int, n: int) -> Values:
    """BLEU's counts; few 4-grams match, so that corpora without any are smoothed."""
    total = random.integers(4, 40, (seeds, n, 1)) - np.arange(4)
    correct = random.binomial(total, [0.5, 0.3, 0.1, 0.3 / n])
    lengths = random.integers(4, 40, (seeds, n, 2))
    return np.concatenate([correct, total, lengths], axis=-1).astype(float)


def games(random: np.random.Generator, seeds: int, n: int) -> Values:
    weight = random.choice([2.0, 4.0, 6.0], (seeds, n))
    return np.stack([weight * random.choice([0, 0.5, 1], (seeds, n)), weight], axis=-1)


def means(random: np.random.Generator, seeds: int, n: int) -> Values:
    return random.gamma(2, 10, (1, n, 1)) + random.exponential(5, (seeds, n, 1))


def test_without_skewness_it_is_the_paired_t_test():
    spread = np.random.default_rng(0).normal(size=15)
    differences = 0.4 + np.concatenate([spread, -spread])
    second = np.random.default_rng(1).normal(size=30)
    found = estimate([column(second + differences), column(second)], mean)
    expected = ttest_rel(second + differences, second)
    assert found.p_value() == pytest.approx(expected.pvalue)
    assert found.symmetric(0.9) == pytest.approx(tuple(expected.confidence_interval(0.9)))
    assert found.equal_tailed(0.9) == pytest.approx(tuple(expected.confidence_interval(0.9)))


@pytest.mark.parametrize(
    ("kind", "aggregate"), [(means, mean), (counts, corpus_bleu), (games, win_rate)]
)
@pytest.mark.parametrize(("seeds", "others"), [(1, 1), (3, 3), (3, 1)])
def test_error_by_leaving_questions_out(kind, aggregate: Aggregate, seeds: int, others: int):
    random = np.random.default_rng(7)
    first, second = np.broadcast_arrays(kind(random, seeds, 30), kind(random, others, 30))

    def value(rows: list[int]) -> float:
        sides = [side[:, rows].reshape(-1, side.shape[-1]) for side in (first, second)]
        return float(aggregate(sides[0]) - aggregate(sides[1]))

    rows = list(range(30))
    left_out = np.array([value(rows[:i] + rows[i + 1 :]) for i in rows])
    of_questions = 29 / 30 * ((left_out - left_out.mean()) ** 2).sum()
    per_seed = np.array([aggregate(a) - aggregate(b) for a, b in zip(first, second, strict=True)])
    between = per_seed.var(ddof=1) / seeds if seeds > 1 else 0.0
    found = estimate([first, second], aggregate)
    assert found.value == pytest.approx(value(rows))
    assert found.error == pytest.approx((of_questions + between) ** 0.5)
    ratio = (of_questions / (of_questions + between)) ** 1.5
    assert found.skewness == pytest.approx(-skew(left_out, bias=False) / 30**0.5 * ratio)
    if seeds > 1:
        df = (of_questions + between) ** 2 / (of_questions**2 / 29 + between**2 / (seeds - 1))
        assert found.df == pytest.approx(df)
        assert found.seed_sd == pytest.approx(per_seed.std(ddof=1))
    else:
        assert (found.df, np.isnan(found.seed_sd)) == (29, True)


def test_skewness_widens_by_hand():
    """g = 0.5: 1 + 0.25 * 1.08; at z = 1.959964 (14.7569 + 7.6829 - 3) / 18 = 1.0800."""
    assert critical_value(0.95, 19, 0.5) == pytest.approx(t.ppf(0.975, 19) * 1.27)
    assert critical_value(0.95, 19, -0.5) == critical_value(0.95, 19, 0.5)


def test_equal_tails_by_hand():
    """Hall's transform g(x) = x + a x²/3 + a² x³/27 + a/6 of both ends is the t quantile."""
    one = Estimate(10.0, 2.0, 19, 0.4, np.nan, 20, None)
    for end, tail in zip(one.equal_tailed(0.95), (0.975, 0.025), strict=True):
        x = (one.value - end) / one.error
        assert x + 0.4 * x**2 / 3 + 0.16 * x**3 / 27 + 0.4 / 6 == pytest.approx(t.ppf(tail, 19))


@pytest.mark.parametrize("n", [5, 20, 80])
def test_equal_scores_on_a_scale_leave_clopper_and_pearson_s_interval(n: int):
    """All questions won: the same as n of n draws; and by another seed the same."""
    exact = binomtest(n, n).proportion_ci(0.95)
    won = np.stack([np.full((1, n), 1.0), np.ones((1, n))], axis=-1)
    for sides in (won, np.repeat(won, 3, axis=0)):
        low, high = estimate([sides], win_rate, (0.0, 100.0)).symmetric(0.95)
        assert (low, high) == pytest.approx((100 * exact.low, 100 * exact.high))


def test_equal_differences():
    for span in (None, (1.0, 10.0)):
        ties = estimate([column([3.0] * 20), column([3.0] * 20)], mean, span)
        assert np.isnan(ties.symmetric(0.95)).all()
        assert ties.p_value() == 1
    won = estimate([column([10.0] * 4), column([1.0] * 4)], mean, (1.0, 10.0))
    assert won.p_value() == pytest.approx(2 / 2**4)  # as a sign test says
    assert won.symmetric(0.95)[0] < 0 < won.symmetric(0.85)[0]
    without_scale = estimate([column([2.0] * 4), column([1.0] * 4)], mean)
    assert without_scale.p_value() == 2 / 2**4
    assert np.isnan(without_scale.symmetric(0.95)).all()
    assert without_scale.symmetric(0.85) == (1, 1)


@pytest.mark.parametrize("shift", [0, 0.1, -3.3])
def test_a_constant_difference_is_one_in_every_order_of_summation(shift: float):
    """Sums of decimals differ in their last digits; the interval must not be made of these."""
    second = np.round(np.random.default_rng(0).normal(30, 5, 7), 1)
    found = estimate([column(second + shift), column(second)], mean)
    assert found.constant
    bounds = (found.value, found.value) if shift else (np.nan, np.nan)
    np.testing.assert_equal(found.symmetric(0.95), bounds)
    assert found.p_value() == (2 / 2**7 if shift else 1)


def test_a_statistic_of_more_than_sums_is_refused():
    """The median cannot be had from sums, and neither can a mean of one's own making."""
    values = column(np.random.default_rng(0).normal(5, 1, 9))
    with pytest.raises(ValueError, match="looks at more than the sums"):
        estimate([values], lambda rows: np.median(rows[..., 0], axis=-1))


def scores(outcomes, shares):
    """Draws of a score with few values, and its mean."""
    return lambda random, shape: random.choice(outcomes, p=shares, size=shape), float(
        np.dot(outcomes, shares)
    )


def rare_overlap(random, shape):
    """Of most questions a metric is 0, else skewed, as of BLEU on short answers."""
    return random.exponential(size=shape) * (random.random(shape) > 0.6)


WINS = [0, 0.5, 1]
# Differences of win rates, of ratings, and of metrics that are mostly 0.
DIFFERENCES = {
    "games, equal": scores([-1, -0.5, 0, 0.5, 1], [0.09, 0.24, 0.34, 0.24, 0.09]),
    "games, apart": scores([-1, -0.5, 0, 0.5, 1], [0.06, 0.14, 0.32, 0.28, 0.2]),
    "games, mostly ties": scores([-1, 0, 1], [0.1, 0.8, 0.1]),
    "games, few lost": scores([-1, 0, 1], [0.05, 0.8, 0.15]),
    "ratings": (lambda random, shape: np.rint(random.normal(0.4, 2, shape)), 0.4),
    "overlap": (
        lambda random, shape: 1.5 * rare_overlap(random, shape) - rare_overlap(random, shape),
        0.2,
    ),
}
VALUES = {
    "games": scores(WINS, [0.4, 0.2, 0.4]),
    "games, mostly won": scores(WINS, [0.1, 0.1, 0.8]),
    "games, mostly ties": scores(WINS, [0.1, 0.8, 0.1]),
}
TEXTS = {
    "overlap": (rare_overlap, 0.4),
    "ratings": (lambda random, shape: np.rint(random.normal(6, 2, shape)), 6.0),
    "shares": (lambda random, shape: random.beta(1, 8, shape), 1 / 9),
    "lengths": (lambda random, shape: random.lognormal(0, 0.5, shape), float(np.exp(0.125))),
}
# What is discrete jumps over 95 %: of 16 questions with 80 % ties 3 say anything at all.
DISCRETE = {("games, mostly ties", 16), ("games, mostly ties", 20), ("games, few lost", 20)}
DISCRETE |= {("games, mostly won", 16)}


def coverage(draw, truth: float, n: int, bounds) -> float:
    experiments = 2000 if n < 100 else 600
    samples = draw(np.random.default_rng(n), (experiments, n))
    found = [bounds(estimate([column(sample)], mean, None)) for sample in samples]
    return float(np.mean([low <= truth <= high for low, high in found]))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("kind", DIFFERENCES)
def test_coverage_of_differences(kind: str, n: int):
    hit = coverage(*DIFFERENCES[kind], n, lambda one: one.symmetric(0.95))
    assert 0.93 <= hit <= (0.995 if (kind, n) in DISCRETE else 0.976)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("kind", VALUES)
def test_coverage_of_win_rates(kind: str, n: int):
    hit = coverage(*VALUES[kind], n, lambda one: one.symmetric(0.95))
    assert 0.93 <= hit <= (0.995 if (kind, n) in DISCRETE else 0.976)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("kind", TEXTS)
def test_coverage_of_texts_scores(kind: str, n: int):
    hit = coverage(*TEXTS[kind], n, lambda one: one.equal_tailed(0.95))
    assert 0.93 <= hit <= 0.976


def test_interval_and_p_never_contradict_one_another():
    """10,000 draws of outcomes like those of both tables, at several levels."""
    random = np.random.default_rng(3)
    kinds = list(DIFFERENCES.values())
    for place in range(10_000):
        draw, _ = kinds[place % len(kinds)]
        n, span = (3, 16, 20, 44, 80)[place % 5], (None, (-1.0, 1.0))[place % 2]
        span = span if place % len(kinds) < 4 else None
        shift = random.normal(0, 0.2) if span is None else 0
        first = draw(random, n) + shift
        found = estimate([column(first), column(np.zeros(n))], mean, span)
        level = (0.95, 0.99, 0.8)[place % 3]
        low, high = found.symmetric(level)
        separable = low > 0 or high < 0  # neither of ties alone, which have no interval
        assert separable == (found.p_value() < 1 - level), (first, level)


def test_p_is_exact_to_far_tails():
    for confidence in (0.5, 0.95, 1 - 1e-9):
        q = critical_value(confidence, 19, 0.7)
        found = Estimate(q, 1.0, 19, 0.7, np.nan, 20, None)
        assert found.p_value() == pytest.approx(1 - confidence, rel=1e-6)
    assert Estimate(1e9, 1.0, 19, 0.7, np.nan, 20, None).p_value() < 1e-100
    assert Estimate(0.0, 1.0, 19, 0.7, np.nan, 20, None).p_value() == 1
