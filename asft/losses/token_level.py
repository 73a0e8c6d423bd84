"""Losses that look at the distributions of single tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asft.losses.logps import PairLogps, log_ratios
from asft.losses.numerics import logistic

if TYPE_CHECKING:
    from torch import Tensor


def wpo(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """DPO weighted by how likely the policy itself were to write both completions.

        w_w w_l L(βΔ),  w = exp(m - c)

    c is the mean over the completion's tokens of log Σ_v p(v)², the log-probability that two draws
    of the next token agree: what the policy writes itself has a weight about 1. The weights carry
    no gradient.

    Source: Zhou et al. 2024 (arXiv 2406.11827) Eq. 2, with their sampled alignment
    """
    assert policy.collisions is not None
    chosen = policy.chosen.mean - policy.collisions.chosen.mean
    rejected = policy.rejected.mean - policy.collisions.rejected.mean
    ratios = log_ratios(policy, reference)
    return (chosen + rejected).exp().detach() * logistic(beta * (ratios[0] - ratios[1]))
