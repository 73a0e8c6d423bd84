"""Estimates from questions: standard error, lopsidedness, and what both say of interval and p.

A question's influence on a corpus value is what leaving it out changes (jackknife). The standard
error is that of the mean influence; with several seeds, which every question has answers of, it is

    se² = se_questions² + sd_seeds² / S        (S per-seed values)

with Satterthwaite's degrees of freedom,

    df = se⁴ / (se_questions⁴ / (n - 1) + (sd_seeds² / S)² / (S - 1)),

and n - 1 with one seed. Both terms hold the variation of single answers, so the interval errs on
the wide side.

A t quantile is too small where influences are skewed, as of scores that are mostly 0, or of
differences that are mostly ties: by g² z (z⁴ + 2 z² - 3) / 18 with the estimate's skewness g, that
of a question over √n, and the normal quantile z (Hall 1988, Biometrika 75: the term of order 1/n of
the distribution of |t|). At 95 % that is 1.08 g² z, so the symmetric interval is

    value ± se t (1 + 1.08 g²)

at every level: there the series itself goes on to overshoot. p is of the same statistic, so an
interval excludes 0 exactly when p is below 1 - confidence. Values that no test looks at have tails
of equal weight instead, by Hall's cubic transformation (Hall 1992, Journal of the Royal Statistical
Society B 54).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

from asft.metrics.corpus import Aggregate, Values, of_sums

# A share of the value: what differs by less does so by the order of summation, and counts as equal.
ROUNDING = 1e-12
LOPSIDED = 1.08  # (z⁴ + 2 z² - 3) / 18 at 95 %
Bounds = tuple[float, float]


class Estimate(NamedTuple):
    """A corpus value or difference, and how it would vary from one experiment to the next.

    `error` is its standard error, `df` the degrees of freedom of that, `skewness` the value's own,
    `seed_sd` the standard deviation of per-seed values (NaN with one seed). `span` holds the ends
    of the scale, where there are any.
    """

    value: float
    error: float
    df: float
    skewness: float
    seed_sd: float
    questions: int
    span: Bounds | None

    @property
    def constant(self) -> bool:
        """Whether every question says the same, so that no error can be measured."""
        return self.error == 0

    @property
    def _tied(self) -> bool:
        """Whether it is a difference, and no question makes any."""
        return not self.value and (not self.span or self.span[0] < 0)

    def symmetric(self, confidence: float) -> Bounds:
        """Return the interval that belongs to `p_value`."""
        if self.constant:
            return self._of_constant(confidence)
        half = self.error * critical_value(confidence, self.df, self.skewness)
        return self.value - half, self.value + half

    def equal_tailed(self, confidence: float) -> Bounds:
        """Return the interval that leaves as much on one side as on the other."""
        if self.constant:
            return self.value, self.value
        tail = float(stdtrit(self.df, (1 + confidence) / 2))
        low, high = (self._untransformed(sign * tail) for sign in (1, -1))
        return self.value - self.error * low, self.value - self.error * high

    def p_value(self) -> float:
        """Return the two-sided p-value of the value 0."""
        if self.constant:
            return self._p_of_constant()
        if self.value != self.value or self.error != self.error:
            return float("nan")
        distance = abs(self.value) / (self.error * (1 + LOPSIDED * self.skewness**2))
        return 2 * float(stdtr(self.df, -distance))

    def _untransformed(self, quantile: float) -> float:
        """The studentised value whose cubic transform is `quantile`."""
        g = self.skewness
        shifted = quantile - g / 6
        # Near 0 the cube root loses its digits, and the transform is the shift alone.
        return shifted if abs(g) < 1e-6 else float(np.cbrt(1 + g * shifted) - 1) * 3 / g

    def _of_constant(self, confidence: float) -> Bounds:
        """On a scale with ends: how far n equal answers leave the mean uncertain.

        Were a share s of all questions at the far end, none of n would be with probability
        (1 - s)^n; of scores of 0 and 1 this is the exact interval (Clopper and Pearson 1934).
        Ties alone say nothing of how large differences are.
        """
        if self._tied:
            return float("nan"), float("nan")
        if self.span:
            low, high = self.span
            share = ((1 - confidence) / 2) ** (1 / self.questions)
            return low + (self.value - low) * share, high - (high - self.value) * share
        if self.value and not self._p_of_constant() < 1 - confidence:
            return float("nan"), float("nan")
        return self.value, self.value

    def _p_of_constant(self) -> float:
        """Without a scale: that n differences have one sign."""
        if self._tied:
            return 1.0
        if not self.span:
            return 2 * 0.5**self.questions
        low, high = self.span
        other = -low if self.value > 0 else high
        return min(1.0, 2 * float(other / (other + abs(self.value))) ** self.questions)


def critical_value(confidence: float, df: float, skewness: float) -> float:
    """Return q, by which an error is multiplied for the half of a symmetric interval."""
    return float(stdtrit(df, (1 + confidence) / 2)) * (1 + LOPSIDED * skewness**2)


def estimate(sides: Sequence[Values], aggregate: Aggregate, span: Bounds | None = None) -> Estimate:
    """Estimate `aggregate` of the only side, or of the first less the second.

    Args:
        sides: (S, n, k) each, over the same questions; or one of two is (1, n, k).
        span: the ends of the scale of one side.

    Raises:
        ValueError: the sides differ in their questions, or `aggregate` looks at more than the sums
            over these.
    """
    shapes = [side.shape for side in sides]
    if len({n for _, n, _ in shapes}) > 1:
        raise ValueError(f"not paired: shapes {' and '.join(map(str, shapes))}")
    values = np.broadcast_arrays(*sides)
    seeds, n, k = values[0].shape
    rows = [side.sum(axis=0) for side in values]
    whole = [aggregate(side.reshape(-1, k)) for side in values]
    summed = [of_sums(aggregate, row.sum(axis=0), seeds * n) for row in rows]
    if any(abs(a - b) > 1e-8 + 1e-5 * abs(b) for a, b in zip(whole, summed, strict=True)):
        raise ValueError(f"{aggregate} looks at more than the sums over questions")
    value, rounding = float(_contrast(whole)), ROUNDING * float(np.abs(whole).max())
    if span and len(sides) > 1:
        span = (span[0] - span[1], span[1] - span[0])
    elif span:
        span = (min(span[0], value), max(span[1], value))
    if n < 2:
        return Estimate(value, np.nan, np.nan, 0.0, np.nan, n, span)
    left_out = [of_sums(aggregate, row.sum(axis=0) - row, seeds * (n - 1)) for row in rows]
    influence = (n - 1) * (_contrast(left_out).mean() - _contrast(left_out))
    if np.abs(influence).max() <= rounding * n:
        influence = np.zeros(n)
    per_seed = _contrast([aggregate(side) for side in values])
    return _combined(value, influence, per_seed, span)


def _combined(value: float, influence: Values, per_seed: Values, span: Bounds | None) -> Estimate:
    """The estimate of these questions and seeds; formulas: see the module."""
    n, seeds = len(influence), len(per_seed)
    of_questions = float(influence.var(ddof=1)) / n
    lopsided = _skewness(influence) / n**0.5
    if seeds < 2:
        return Estimate(value, of_questions**0.5, n - 1, lopsided, np.nan, n, span)
    of_seeds = float(per_seed.var(ddof=1)) / seeds
    variance = of_questions + of_seeds
    if not variance:
        return Estimate(value, 0.0, n - 1, 0.0, 0.0, n, span)
    df = variance**2 / (of_questions**2 / (n - 1) + of_seeds**2 / (seeds - 1))
    lopsided *= (of_questions / variance) ** 1.5
    return Estimate(value, variance**0.5, df, lopsided, (of_seeds * seeds) ** 0.5, n, span)


def _skewness(values: Values) -> float:
    """What scipy.stats.skew(values, bias=False) returns, a tenth as fast; 0 of equal values."""
    n, apart = len(values), values - values.mean()
    variance = float((apart**2).mean())
    if n < 3 or not variance:
        return 0.0
    return float((apart**3).mean() / variance**1.5 * (n * (n - 1)) ** 0.5 / (n - 2))


def _contrast(parts: Sequence[Values]) -> Values:
    return parts[0] - parts[1] if len(parts) > 1 else parts[0]
