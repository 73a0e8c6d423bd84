"""Losses that look at single tokens: at their distributions, or at where they stand."""

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


def ld_dpo(policy: PairLogps, reference: PairLogps | None, *, beta: float, alpha: float) -> Tensor:
    """Length-desensitised DPO: tokens beyond the length of the shorter completion count less.

        L(β (q_w - q_l)),  q = α r + (1 - α) r_shared

    r_shared is the log-ratio of the completion's first min(n_w, n_l) tokens. alpha 1 is `dpo`,
    alpha 0 looks at the shared length alone.

    Source: Liu et al. 2024 (arXiv 2409.06411)
    """
    assert reference is not None
    ratios = log_ratios(policy, reference)
    shared = log_ratios(policy.shared, reference.shared)
    chosen, rejected = (
        alpha * whole + (1 - alpha) * part for whole, part in zip(ratios, shared, strict=True)
    )
    return logistic(beta * (chosen - rejected))


def tdpo1(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """Token-level DPO: the margin is of log-ratios plus sequential KL divergences.

        L(β (Δ - (D_l - D_w)))

    D is the sum over the completion's tokens of KL(π_ref ‖ π), over the whole vocabulary.

    Source: Zeng et al. 2024 (arXiv 2404.11999), TDPO1
    """
    chosen, rejected = _divergences(policy)
    ratios = log_ratios(policy, reference)
    return logistic(beta * (ratios[0] - ratios[1] - (rejected - chosen)))


def tdpo2(
    policy: PairLogps, reference: PairLogps | None, *, beta: float, alpha: float = 0.5
) -> Tensor:
    """Token-level DPO that lets the chosen completion's divergence move freely.

        L(β (Δ - α (D_l - D_w)))

    D_w carries no gradient.

    Source: Zeng et al. 2024 (arXiv 2404.11999), TDPO2, whose alpha is the default
    """
    chosen, rejected = _divergences(policy)
    ratios = log_ratios(policy, reference)
    return logistic(beta * (ratios[0] - ratios[1] - alpha * (rejected - chosen.detach())))


def _divergences(policy: PairLogps) -> tuple[Tensor, Tensor]:
    assert policy.divergences is not None
    return policy.divergences.chosen.sum, policy.divergences.rejected.sum
