"""The paper's own differences: what its numbers of questions allow to tell apart.

The paper gives means without intervals. From a mean within bounds follows the largest standard
deviation that the questions can have, sqrt((mean - low) (high - mean)), reached if every answer is
judged at one bound or the other. The difference of two methods on n common questions then has

    se² = (sd_a² + sd_b² - 2 r sd_a sd_b) / n

with r the correlation of the two methods' scores over questions, which the paper does not give. We
report p at r = 0.5 and the correlation above which the difference would stand out.
"""

from itertools import combinations
from typing import Any

from scipy.stats import norm

from asft.config import Statistics
from asft.tables import paper

# Column of the paper's Table 2 -> questions, lowest and highest score of a question.
BENCHMARKS = {
    "arena_hard": (500, 0.0, 100.0),
    "mt_bench_gpt4_turbo": (80, 1.0, 10.0),
    "mt_bench_gpt4": (80, 1.0, 10.0),
}
CORRELATION = 0.5


def published_differences(statistics: Statistics) -> list[dict[str, Any]]:
    """Return one row per column of the paper's Table 2 and pair of its methods.

    Each is the first method minus the second.
    """
    return [
        _row(name, first, second, statistics)
        for name in paper.TABLE2_COLUMNS
        for first, second in combinations(paper.TABLE2, 2)
    ]


def _row(name: str, first: str, second: str, statistics: Statistics) -> dict[str, Any]:
    column = paper.TABLE2_COLUMNS.index(name)
    n, low, high = BENCHMARKS[name]
    a, b = paper.TABLE2[first][column], paper.TABLE2[second][column]
    variance_a, variance_b = (a - low) * (high - a), (b - low) * (high - b)
    shared = 2 * (variance_a * variance_b) ** 0.5
    quantile = float(norm.ppf((1 + statistics.confidence) / 2))
    standard_error = ((variance_a + variance_b - CORRELATION * shared) / n) ** 0.5
    p_value = 2 * float(norm.sf(abs(a - b) / standard_error))
    needed = (variance_a + variance_b - n * ((a - b) / quantile) ** 2) / shared
    apart = p_value < 1 - statistics.confidence
    return {
        "column": name,
        "method_a": first,
        "method_b": second,
        "difference": a - b,
        "n": n,
        "low": a - b - quantile * standard_error,
        "high": a - b + quantile * standard_error,
        "p_value": p_value,
        "correlation_needed": min(max(needed, -1.0), 1.0),
        "verdict": ("better" if a > b else "worse") if apart else "not separable",
    }
