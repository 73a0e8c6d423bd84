"""f-DPO: DPO with another divergence than the reverse KL from the reference.

The reward of a completion is β f'(π/π_ref), whose logarithm DPO has; the loss is L of the margin.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from asft.losses.logps import PairLogps, log_ratios
from asft.losses.numerics import log_sigmoid, logistic, power_log

if TYPE_CHECKING:
    from torch import Tensor


def dpo_alpha(
    policy: PairLogps, reference: PairLogps | None, *, beta: float, alpha: float = 0.5
) -> Tensor:
    """DPO under an α-divergence, between the reverse KL (alpha 0: `dpo`) and the forward (1).

        L(β (u_w - u_l)),  u = (1 - exp(-α r)) / α

    TRL's coefficient of the α-divergence is 1 - α.

    Source: Wang et al. 2023 (arXiv 2309.16240), Table 1
    """
    chosen, rejected = log_ratios(policy, reference)
    return logistic(beta * (power_log(chosen, alpha) - power_log(rejected, alpha)))


def dpo_forward_kl(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """DPO under the forward KL divergence.

        L(β (u_w - u_l)),  u = 1 - exp(-r)

    Source: Wang et al. 2023 (arXiv 2309.16240), Table 1
    """
    return dpo_alpha(policy, reference, beta=beta, alpha=1.0)


def dpo_js(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """DPO under the Jensen-Shannon divergence.

        L(β (u_w - u_l)),  u = log 2 + log σ(r)

    Source: Wang et al. 2023 (arXiv 2309.16240), Table 1
    """
    chosen, rejected = (math.log(2) + log_sigmoid(r) for r in log_ratios(policy, reference))
    return logistic(beta * (chosen - rejected))
