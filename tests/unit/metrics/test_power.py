"""Questions and seeds that a difference needs, against simulated experiments."""

import numpy as np
import pytest
from scipy.stats import t

from asft.metrics.corpus import mean
from asft.metrics.estimates import estimate
from asft.metrics.power import Spread, detectable, needed_questions, power_of, spread_of

CONFIDENCE, POWER = 0.95, 0.8


def found(difference, spread, questions, seeds, experiments=4000):
    """The share of simulated experiments whose t-test finds the difference."""
    rng = np.random.default_rng(0)
    shape = (experiments, seeds, 1)
    of_seeds = rng.normal(0, spread.seeds, shape) if seeds > 1 else 0.0
    of_questions = rng.normal(difference, spread.questions, (experiments, 1, questions))
    scores = of_questions + of_seeds
    means = scores.mean(axis=(1, 2))
    of_questions = scores.mean(axis=1).var(axis=1, ddof=1) / questions
    between = scores.mean(axis=2).var(axis=1, ddof=1) / seeds if seeds > 1 else 0.0
    variance = of_questions + between
    df = of_questions**2 / (questions - 1) + (between**2 / (seeds - 1) if seeds > 1 else 0.0)
    limit = t.ppf((1 + CONFIDENCE) / 2, variance**2 / df)
    return float((np.abs(means) > limit * np.sqrt(variance)).mean())


@pytest.mark.parametrize(
    ("difference", "spread", "seeds"),
    [
        (0.5, Spread(1.0, np.nan), 1),
        (0.2, Spread(1.0, np.nan), 1),
        (5.0, Spread(4.0, np.nan), 1),
        (0.3, Spread(1.0, 0.1), 5),
        (0.3, Spread(1.0, 0.2), 10),
    ],
)
def test_the_need_is_within_a_tenth_of_the_simulated(difference, spread, seeds):
    need = needed_questions(difference, spread, seeds, CONFIDENCE, POWER)
    fewer, more = max(2, int(np.floor(0.9 * need))), int(np.ceil(1.1 * need))
    assert found(difference, spread, fewer, seeds) < POWER + 0.01
    assert found(difference, spread, more, seeds) > POWER - 0.01


def test_the_spread_of_means_by_hand():
    rng = np.random.default_rng(1)
    first, second = rng.normal(0, 1, (2, 1, 400, 1))
    spread = spread_of(first, second, mean)
    assert spread.questions == pytest.approx((first - second).std(ddof=1))
    assert np.isnan(spread.seeds)
    several = rng.normal(0, 1, (3, 400, 1)) + np.array([0.0, 1.0, 2.0])[:, None, None]
    spread = spread_of(several, second, mean)
    per_seed = several.mean(axis=(1, 2))
    assert spread.seeds == pytest.approx(per_seed.std(ddof=1))
    pooled = (several.mean(axis=0) - second[0]).std(ddof=1)
    assert spread.questions == pytest.approx(pooled)


def test_by_hand():
    """n = ((1.96 + 0.84) * sd / d)^2 where there are many questions."""
    assert needed_questions(0.1, Spread(1.0, np.nan), 1, CONFIDENCE, POWER) == pytest.approx(
        (2.8016 / 0.1) ** 2, rel=0.005
    )


@pytest.mark.parametrize("shift", [0.3, 0.8])
def test_the_need_of_skewed_differences(shift):
    """A tenth of the questions differ, by much: simulated with the tables' own intervals."""
    rng = np.random.default_rng(4)

    def draw(n):
        return shift * (rng.random((1500, n)) < 0.5) - (rng.random((1500, n)) < 0.05)

    spread = spread_of(draw(400)[:1, :, None] * 1.0, np.zeros((1, 400, 1)), mean)
    truth = shift / 2 - 0.05
    need = needed_questions(truth, spread, 1, CONFIDENCE, POWER)

    def share(n):
        tests = (estimate([row[None, :, None] * 1.0], mean) for row in draw(n))
        return np.mean([each.symmetric(CONFIDENCE)[0] > 0 for each in tests])

    assert share(int(np.floor(0.8 * need))) < POWER + 0.02
    assert share(int(np.ceil(1.2 * need))) > POWER - 0.02


def test_what_no_number_of_questions_finds():
    spread = Spread(1.0, 0.5)
    assert needed_questions(0.1, spread, 3, CONFIDENCE, POWER) is None
    assert power_of(0.1, spread, 10**7, 3, CONFIDENCE) < 0.1


def test_the_detectable_difference_needs_so_many_questions():
    spread = Spread(2.0, 0.1)
    for seeds in (1, 4):
        least = detectable(spread, 300, seeds, CONFIDENCE, POWER)
        assert needed_questions(least, spread, seeds, CONFIDENCE, POWER) == 300
    assert detectable(Spread(0.0, np.nan), 20, 1, CONFIDENCE, POWER) == 0
