"""Losses that move each completion by itself, relative to the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asft.losses.logps import PairLogps, log_ratios
from asft.losses.numerics import logistic

if TYPE_CHECKING:
    from torch import Tensor


def apo_zero(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """Anchored preference optimisation that moves chosen up and rejected down.

        1 - σ(β r_w) + σ(β r_l)

    For chosen completions better than what the policy writes.

    Source: D'Oosterlinck et al. 2024 (arXiv 2408.06266) Eq. 7
    """
    chosen, rejected = log_ratios(policy, reference)
    return (-beta * chosen).sigmoid() + (beta * rejected).sigmoid()


def apo_down(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """Anchored preference optimisation that moves both down, the rejected further.

        σ(β r_w) + 1 - σ(βΔ)

    For chosen completions worse than what the policy writes.

    Source: D'Oosterlinck et al. 2024 (arXiv 2408.06266) Eq. 8
    """
    chosen, rejected = log_ratios(policy, reference)
    return (beta * chosen).sigmoid() + (-beta * (chosen - rejected)).sigmoid()


def nca(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """Noise contrastive alignment of pairs, which optimises absolute rewards.

        L(β r_w) + L(-β r_w) / 2 + L(-β r_l) / 2

    Source: Chen et al. 2024 (arXiv 2402.05369)
    """
    chosen, rejected = (beta * ratio for ratio in log_ratios(policy, reference))
    return logistic(chosen) + (logistic(-chosen) + logistic(-rejected)) / 2


def sppo_hard(policy: PairLogps, reference: PairLogps | None, *, beta: float = 1e-3) -> Tensor:
    """Self-play preference optimisation where each preference is certain.

        (r_w - 1 / (2β))² + (r_l + 1 / (2β))²

    Source: Wu et al. 2024 (arXiv 2405.00675) Eq. 4.7 with P = 1 and 0; beta is their 1/η
    """
    chosen, rejected = log_ratios(policy, reference)
    return (chosen - 1 / (2 * beta)) ** 2 + (rejected + 1 / (2 * beta)) ** 2


def cal_dpo(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """Calibrated DPO: the pair's order, and rewards pulled to ±1/2.

        L(Δ) + (r_w - 1 / (2β))² + (r_l + 1 / (2β))²

    Source: Xiao et al. 2024 (arXiv 2412.14516)
    """
    chosen, rejected = log_ratios(policy, reference)
    return logistic(chosen - rejected) + sppo_hard(policy, reference, beta=beta)
