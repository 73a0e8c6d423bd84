"""Whether scores put chosen completions above rejected ones, as RewardBench 2 counts it.

Source: allenai/reward-bench 05a9005, rewardbench/utils.py (`reroll_and_score_dataset`,
`_compute_prompt_stats`, `process_single_model`).
"""

import numpy as np

from asft.metrics.corpus import Values

TIES_SPAN = (-1.0, 101.0)  # ends of `ties_score`, in per cent


def share_of_first(scores: Values, chosen: int) -> float:
    """Return 1 if the best score is a chosen completion's, 0 if it is a rejected one's.

    Where several share the best score, the share of chosen ones among them: 1/2 of a pair that
    ties. Upstream's rows have one chosen completion, and 1/k where it shares the best score with
    k - 1 others.

    Args:
        scores: (completions,), the `chosen` first ones of which are the better ones.
    """
    best = scores == scores.max()
    return float(best[:chosen].sum() / best.sum())


def ties_score(reference: tuple[Values, int], tied: tuple[Values, int]) -> float:
    """Score a prompt of RewardBench 2's subset Ties, from -0.01 to 1.01.

    Its reference has one right answer, the tied one many: all of them must stand above all wrong
    ones (0.3 each of the two), and by more than they differ among themselves (0.2, and 0.2 if the
    reference's gap is so too). The last hundredth is upstream's for how clearly. Equal scores are
    not above. Upstream's score of the subset is the mean over its prompts.

    Args:
        reference: scores, and how many of them, the first ones, are of right answers.
    """
    alone, together = _gap(*reference), _gap(*tied)
    right = tied[0][: tied[1]]
    spread = right.max() - right.min()
    least = min(alone, together)
    with np.errstate(divide="ignore", invalid="ignore"):
        clearly = np.nan_to_num(np.tanh(np.float64(least) / spread - 1), nan=0.0)
    value = 0.3 * (together > 0) + 0.3 * (alone > 0)
    value += 0.2 * (together > spread) + 0.2 * (least > spread)
    return float(value + 0.01 * clearly)


def _gap(scores: Values, right: int) -> float:
    """By how much the worst right answer is above the best wrong one."""
    return float(scores[:right].min() - scores[right:].max())
