"""DPO with an offset: the margin is to exceed what the data say of how much better chosen is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asft.losses.logps import PairLogps, log_ratios
from asft.losses.numerics import logistic

if TYPE_CHECKING:
    from torch import Tensor

LEAST_MARGIN = 1e-6  # whose logarithm is taken


def odpo(
    policy: PairLogps, reference: PairLogps | None, *, beta: float, alpha: float = 1.0
) -> Tensor:
    """DPO with an offset: the margin is to exceed the logarithm of the data's score margin M.

        L(βΔ - α log M)

    The offset carries no gradient. Where the chosen completion does not have the higher score, or
    hardly, M is taken as 1e-6.

    Source: Amini et al. 2024 (arXiv 2402.10571), f = log as in their experiments
    """
    offset = alpha * _score_margin(policy).clamp(min=LEAST_MARGIN).log()
    return logistic(beta * _ratio_margin(policy, reference) - offset)


def odpo_linear(
    policy: PairLogps, reference: PairLogps | None, *, beta: float, alpha: float = 1.0
) -> Tensor:
    """DPO with an offset: the margin is to exceed the data's own score margin M.

        L(βΔ - α M)

    Source: Amini et al. 2024 (arXiv 2402.10571), f(x) = x
    """
    return logistic(beta * _ratio_margin(policy, reference) - alpha * _score_margin(policy))


def _score_margin(policy: PairLogps) -> Tensor:
    assert policy.numbers is not None
    return policy.numbers.margin


def _ratio_margin(policy: PairLogps, reference: PairLogps | None) -> Tensor:
    chosen, rejected = log_ratios(policy, reference)
    return chosen - rejected
