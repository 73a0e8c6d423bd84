"""The comparisons of a table that are corrected together: all with a baseline."""

from collections.abc import Sequence

from asft.config import BASE, Statistics
from asft.metrics import Corrected, Difference, corrected

BASELINES = (BASE, "dpo")  # by default, as far as a table has them


def beside_others(
    pairs: Sequence[tuple[str, str]], found: Sequence[Difference], statistics: Statistics
) -> list[Corrected | None]:
    """Correct the differences of pairs of methods of one metric; None of those without a baseline.

    The family holds each pair once, also where both are baselines.
    """
    baselines = set(BASELINES if statistics.baselines is None else statistics.baselines)
    family = [place for place, pair in enumerate(pairs) if baselines & set(pair)]
    results: list[Corrected | None] = [None] * len(pairs)
    for place, one in zip(family, corrected([found[i] for i in family], statistics), strict=True):
        results[place] = one
    return results
