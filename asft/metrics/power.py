"""How many questions and seeds a difference needs, by the t-test of intervals over both.

With one seed only questions vary. The variances are those of an experiment that was made: they are
known as well as its questions and seeds allow.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.stats import nct, t

from asft.config import Statistics
from asft.metrics.corpus import Aggregate, Values, of_sums
from asft.metrics.statistics import resample

MOST = 10_000_000  # questions; what needs more is not asked for


class Spread(NamedTuple):
    """How much a paired difference varies: standard deviations.

    `questions`: of a question's difference, seeds averaged; `seeds`: of a seed's, questions
    averaged, NaN where there is one seed.
    """

    questions: float
    seeds: float


def spread_of(first: Values, second: Values, aggregate: Aggregate, settings: Statistics) -> Spread:
    """Measure how much `aggregate(first) - aggregate(second)` varies.

    Args:
        first, second: (S, n, k), paired as for `paired_difference`.
    """
    one, other = np.broadcast_arrays(first, second)
    seeds, n, _ = one.shape
    sides = resample([one, other], settings)
    a, b = (of_sums(aggregate, side.resampled, seeds * n) for side in sides)
    of_questions = float(np.std(a - b, ddof=1)) * n**0.5
    if seeds < 2:
        return Spread(of_questions, np.nan)
    return Spread(of_questions, float(np.std(aggregate(one) - aggregate(other), ddof=1)))


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
    limit, shift = float(t.ppf((1 + confidence) / 2, df)), abs(difference) / variance**0.5
    return float(nct.sf(limit, df, shift) + nct.cdf(-limit, df, shift))


def needed_questions(
    difference: float, spread: Spread, seeds: int, confidence: float, power: float
) -> int | None:
    """Return how few questions find a difference with this probability; None if no number does.

    With one seed the tables' test swaps sides: of few questions no swap is rare enough.
    """
    fewest = 2 if seeds > 1 else math.floor(1 - math.log2(1 - confidence)) + 1
    low, high = fewest - 1, fewest
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
