"""Other shapes of loss on DPO's margin: those of GPO that have no name of their own, FocalPO's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asft.losses.logps import PairLogps, log_ratios
from asft.losses.numerics import MOST, log_sigmoid

if TYPE_CHECKING:
    from torch import Tensor


def gpo_exponential(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """GPO with the exponential loss, as of AdaBoost.

        exp(-βΔ)

    It is cut off at exp(80), where fp32 ends, and has no gradient beyond. GPO's logistic loss is
    `dpo`, its hinge `hinge`, its squared loss `ipo_sum` with the target at 1/β.

    Source: Tang et al. 2024 (arXiv 2402.05749), Table 1
    """
    return (-_logits(policy, reference, beta)).clamp(max=MOST).exp()


def gpo_truncated(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """GPO with the truncated quadratic loss, which stops at a margin of 1/β.

        max(0, 1 - βΔ)²

    Source: Tang et al. 2024 (arXiv 2402.05749), Table 1
    """
    return (1 - _logits(policy, reference, beta)).relu() ** 2


def gpo_savage(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """GPO with Savage's loss, which gives up on pairs that are far on the wrong side.

        σ(-βΔ)²

    Source: Tang et al. 2024 (arXiv 2402.05749), Table 1
    """
    return (2 * log_sigmoid(-_logits(policy, reference, beta))).exp()


def focalpo(
    policy: PairLogps, reference: PairLogps | None, *, beta: float, gamma: float = 0.05
) -> Tensor:
    """DPO with the focal loss turned round: pairs that are ranked rightly weigh more.

        σ(βΔ)^γ L(βΔ)

    The weight carries gradient. γ = 0 is `dpo`.

    Source: Liu et al. 2025 (FocalPO, arXiv 2501.06645), whose gamma is the default
    """
    prefers = log_sigmoid(_logits(policy, reference, beta))
    return -(gamma * prefers).exp() * prefers


def _logits(policy: PairLogps, reference: PairLogps | None, beta: float) -> Tensor:
    chosen, rejected = log_ratios(policy, reference)
    return beta * (chosen - rejected)
