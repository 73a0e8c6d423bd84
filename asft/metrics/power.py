"""How many questions and seeds a difference needs, by the t-test of intervals over both.

With one seed only questions vary. The variances are those of an experiment that was made: they are
known as well as its questions and seeds allow.
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import nct

from asft.metrics.corpus import Aggregate, Values
from asft.metrics.estimates import critical_value, estimate

MOST = 10_000_000  # questions; what needs more is not asked for


class Spread(NamedTuple):
    """How much a paired difference varies: standard deviations.

    `questions`: of a question's difference, seeds averaged; `seeds`: of a seed's, questions
    averaged, NaN where there is one seed. `skewness`: of a question's difference.
    """

    questions: float
    seeds: float
    skewness: float = 0.0


def spread_of(first: Values, second: Values, aggregate: Aggregate) -> Spread:
    """Measure how much `aggregate(first) - aggregate(second)` varies.

    Args:
        first, second: (S, n, k), paired as for `paired_difference`.
    """
    found = estimate([first, second], aggregate)
    n = found.questions
    if np.isnan(found.seed_sd):
        return Spread(found.error * n**0.5, np.nan, found.skewness * n**0.5)
    seeds = max(len(first), len(second))
    of_questions = max(0.0, found.error**2 - found.seed_sd**2 / seeds)
    share = (found.error**2 / of_questions) ** 1.5 if of_questions else 0.0
    return Spread((of_questions * n) ** 0.5, found.seed_sd, found.skewness * share * n**0.5)


def power_of(
    difference: float, spread: Spread, questions: int, seeds: int, confidence: float
) -> float:
    """Return the probability that a true difference is found "better" or "worse".

    Args:
        seeds: of each method; with 1 what another seed would give is not asked.
        confidence: of the tables' intervals.
    """
    of_questions = spread.questions**2 / questions
    of_seeds = spread.seeds**2 / seeds if seeds > 1 else 0.0
    variance = of_questions + of_seeds
    if variance == 0:
        return float(difference != 0)
    df = of_questions**2 / (questions - 1)
    df += of_seeds**2 / (seeds - 1) if seeds > 1 else 0.0
    df = variance**2 / df
    skewness = spread.skewness / questions**0.5 * (of_questions / variance) ** 1.5
    limit = critical_value(confidence, df, skewness)
    shift = abs(difference) / variance**0.5
    return float(nct.sf(limit, df, shift) + nct.cdf(-limit, df, shift))


def needed_questions(
    difference: float, spread: Spread, seeds: int, confidence: float, power: float
) -> int | None:
    """Return how few questions find a difference with this probability; None if no number does."""
    low, high = 1, 2
    while power_of(difference, spread, high, seeds, confidence) < power:
        low, high = high, 2 * high
        if high > MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        enough = power_of(difference, spread, middle, seeds, confidence) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def detectable(
    spread: Spread, questions: int, seeds: int, confidence: float, power: float
) -> float:
    """Return the smallest difference that these questions and seeds find so often."""
    if not spread.questions and not (seeds > 1 and spread.seeds):
        return 0.0
    low, high = 0.0, 1e-9
    while power_of(high, spread, questions, seeds, confidence) < power:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        enough = power_of(middle, spread, questions, seeds, confidence) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high
