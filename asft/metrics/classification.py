"""Two-class verdicts against others', from sums over questions: Cohen's kappa and the AUC."""

import numpy as np
from numpy.typing import NDArray

from asft.metrics.corpus import Values


def cohens_kappa(values: Values) -> Values:
    """Return Cohen's kappa of summed tables, (..., n, 6) -> (...).

    The tables are 2 x 3: published (first, second) by judge (first, neither, second).
    """
    sums = values.sum(axis=-2)
    table = sums.reshape(*sums.shape[:-1], 2, 3)
    with np.errstate(invalid="ignore", divide="ignore"):
        table = table / table.sum(axis=(-2, -1), keepdims=True)
        published, judged = table.sum(axis=-1), table.sum(axis=-2)
        same = table[..., 0, 0] + table[..., 1, 2]
        by_chance = (published * judged[..., [0, 2]]).sum(axis=-1)
        return np.asarray((same - by_chance) / (1 - by_chance))


def placements(scores: Values, positive: NDArray[np.bool_]) -> tuple[list[Values], float]:
    """Return how each score stands among those of the other class, and the AUC.

    The former are the columns that `area_under_curve` sums: of a positive the share of negatives
    below it, and 1; of a negative the share of positives above it, and 1. Their variances are those
    of the AUC (DeLong, DeLong and Clarke-Pearson 1988).
    """
    own, other = np.sort(scores[positive]), np.sort(scores[~positive])
    with np.errstate(invalid="ignore", divide="ignore"):
        below = _share_below(other, scores)
        above = 1 - _share_below(own, scores)
    sums = [np.where(positive, below, 0), 1.0 * positive, np.where(positive, 0, above)]
    found = float(below[positive].mean()) if positive.any() else float("nan")
    return [*sums, 1.0 * ~positive], found


def area_under_curve(value: float, values: Values) -> Values:
    """Return the AUC of summed placements, linear in both classes' means as its variance is."""
    sums = values.sum(axis=-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[..., 0] / sums[..., 1] + sums[..., 2] / sums[..., 3] - value)


def _share_below(ordered: Values, scores: Values) -> Values:
    """The share of values that are smaller than each score; of equal ones half."""
    left, right = (np.searchsorted(ordered, scores, side=end) for end in ("left", "right"))
    return np.asarray((left + right) / np.float64(2 * len(ordered)))
