"""Losses on the margin between the policy's own likelihoods, without a reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asft.losses.likelihood import sft
from asft.losses.logps import PairLogps
from asft.losses.numerics import logistic, power_log

if TYPE_CHECKING:
    from torch import Tensor


def simpo(
    policy: PairLogps,
    reference: PairLogps | None,
    *,
    beta: float,
    gamma: float,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Simple preference optimisation: the margin of per-token means is to exceed a target.

        (1 - ε) L(x) + ε L(-x),  x = β (m_w - m_l) - γ, ε = label_smoothing

    gamma is absolute, as in the paper and in TRL; the authors' code asks for gamma_beta_ratio: γ is
    beta times that. They used beta 2 to 2.5 (later 10) and a ratio of 0.1 to 0.8.

    Source: Meng et al. 2024 (arXiv 2405.14734) Eq. 6
    """
    return logistic(beta * policy.margin - gamma, label_smoothing)


def alphapo(
    policy: PairLogps, reference: PairLogps | None, *, beta: float, gamma: float, alpha: float
) -> Tensor:
    """SimPO with a reward of another shape; alpha 0 is `simpo`.

        L(β (u_w - u_l) - γ),  u = (1 - exp(-α m)) / α

    Source: Gupta et al. 2025 (arXiv 2501.03884)
    """
    chosen, rejected = (power_log(side.mean, alpha) for side in policy[:2])
    return logistic(beta * (chosen - rejected) - gamma)


def cpo(
    policy: PairLogps,
    reference: PairLogps | None,
    *,
    beta: float = 0.1,
    sft_weight: float = 1.0,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Contrastive preference optimisation: DPO without a reference, and SFT.

        (1 - ε) L(x) + ε L(-x) - sft_weight m_w,  x = β (s_w - s_l), ε = label_smoothing

    The paper writes the SFT term as a sum; in its code it is a mean over tokens, as here.

    Source: Xu et al. 2024 (arXiv 2401.08417), whose beta and weight are the defaults
    """
    term = logistic(beta * policy.margin_sum, label_smoothing)
    return term + sft_weight * sft(policy, reference)


def slic_hf(
    policy: PairLogps, reference: PairLogps | None, *, delta: float, sft_weight: float
) -> Tensor:
    """Sequence likelihood calibration: a hinge on summed log-probabilities, and SFT.

        max(0, δ - (s_w - s_l)) - sft_weight s_w

    Both terms are sums over tokens. The SFT term is on the chosen completion, as in SimPO's table
    of methods; Zhao et al. take it on the answer of an SFT data set.

    Source: Zhao et al. 2023 (arXiv 2305.10425); Meng et al. 2024 (arXiv 2405.14734), Table 3
    """
    return (delta - policy.margin_sum).relu() - sft_weight * policy.chosen.sum


def rrhf(policy: PairLogps, reference: PairLogps | None, *, sft_weight: float = 1.0) -> Tensor:
    """Rank responses: a hinge on per-token means, and SFT on the better answer; here of two.

        max(0, m_l - m_w) - sft_weight s_w

    Source: Yuan et al. 2023 (arXiv 2304.05302); Meng et al. 2024 (arXiv 2405.14734), Table 3
    """
    return (-policy.margin).relu() - sft_weight * policy.chosen.sum
