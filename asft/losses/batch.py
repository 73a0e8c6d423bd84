"""Losses that look at the step's other pairs: a statistic of them, or their order.

They get the log-probabilities of all pairs of an optimiser step at once, and return a value per
pair whose mean is the step's loss; in which order the pairs come makes no difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asft.losses.logps import PairLogps, log_ratios
from asft.losses.numerics import logistic

if TYPE_CHECKING:
    from torch import Tensor


def kto(
    policy: PairLogps,
    reference: PairLogps | None,
    *,
    beta: float = 0.1,
    desirable_weight: float = 1.0,
    undesirable_weight: float = 1.0,
) -> Tensor:
    """Kahneman-Tversky optimisation of a pair's completions, taken as two examples.

        (λ_D (1 - σ(β (r_w - z))) + λ_U (1 - σ(β (z - r_l)))) / 2,  z = max(0, mean of mismatched r)

    z, how far the policy has moved from the reference, is the mean over the step of log-ratios of
    prompts with both completions of another pair, and carries no gradient. λ_D and λ_U are
    desirable_weight and undesirable_weight.

    Source: Ethayarajh et al. 2024 (arXiv 2402.01306) Eq. 7 and 8
    """
    assert reference is not None
    apart = log_ratios(policy.mismatched, reference.mismatched)
    moved = ((apart[0] + apart[1]) / 2).mean().relu().detach()
    chosen, rejected = log_ratios(policy, reference)
    desirable = desirable_weight * (beta * (moved - chosen)).sigmoid()
    return (desirable + undesirable_weight * (beta * (rejected - moved)).sigmoid()) / 2


def bco(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """Binary classifier optimisation: chosen and rejected told apart by their rewards.

        L(β r_w - δ) + L(δ - β r_l),  δ = β mean(r_w + r_l) / 2 over the step

    The shift δ carries no gradient. Here it is the step's own; TRL's trainer, while it had one,
    took the mean over all steps so far, and its `bco_pair` has none.

    Source: Jung et al. 2024 (arXiv 2404.04656)
    """
    chosen, rejected = (beta * ratio for ratio in log_ratios(policy, reference))
    shift = ((chosen + rejected) / 2).mean().detach()
    return logistic(chosen - shift) + logistic(shift - rejected)


def aot(
    policy: PairLogps, reference: PairLogps | None, *, beta: float, label_smoothing: float = 0.0
) -> Tensor:
    """Alignment by optimal transport: the margins' distribution is to exceed the reference's.

        (1 - ε) L(βd) + ε L(-βd),  d = sort(s_w - s_l) - sort(s_ref,w - s_ref,l)

    Source: Melnyk et al. 2024 (arXiv 2406.05882), paired
    """
    assert reference is not None
    return _sorted_apart(policy.margin_sum, reference.margin_sum, beta, label_smoothing)


def aot_unpaired(
    policy: PairLogps, reference: PairLogps | None, *, beta: float, label_smoothing: float = 0.0
) -> Tensor:
    """Alignment by optimal transport of rewards: those of chosen are to exceed those of rejected.

        (1 - ε) L(βd) + ε L(-βd),  d = sort(r_w) - sort(r_l)

    Source: Melnyk et al. 2024 (arXiv 2406.05882), unpaired
    """
    return _sorted_apart(*log_ratios(policy, reference), beta, label_smoothing)


def _sorted_apart(high: Tensor, low: Tensor, beta: float, label_smoothing: float) -> Tensor:
    """The smoothed loss of each quantile of `high` over that of `low`, at the places of `high`."""
    order = high.argsort(stable=True)
    apart = high[order] - low.sort().values
    return logistic(beta * apart, label_smoothing)[order.argsort()]
