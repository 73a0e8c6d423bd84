"""Losses that look at the step's other pairs: a statistic of them, or their order.

They get the log-probabilities of all pairs of an optimiser step at once, and return a value per
pair whose mean is the step's loss; in which order the pairs come makes no difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asft.losses.logps import PairLogps, log_ratios, present
from asft.losses.numerics import logistic

if TYPE_CHECKING:
    import torch
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
    desirable_weight and undesirable_weight. A row of one completion has its term alone.

    Source: Ethayarajh et al. 2024 (arXiv 2402.01306) Eq. 7 and 8
    """
    assert reference is not None
    assert policy.mismatched is not None
    apart = log_ratios(policy.mismatched, reference.mismatched)
    count = sum(has.sum() for has in present(policy.mismatched))
    moved = ((apart[0] + apart[1]).sum() / count).relu().detach()
    chosen, rejected = log_ratios(policy, reference)
    good, bad = present(policy)
    desirable = good * desirable_weight * (beta * (moved - chosen)).sigmoid()
    undesirable = bad * undesirable_weight * (beta * (rejected - moved)).sigmoid()
    return (desirable + undesirable) / (good + bad)


def bco(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """Binary classifier optimisation: chosen and rejected told apart by their rewards.

        L(β r_w - δ) + L(δ - β r_l),  δ = β mean(r_w + r_l) / 2 over the step

    The shift δ carries no gradient. Here it is the step's own; TRL's trainer, while it had one,
    took the mean over all steps so far, and its `bco_pair` has none. A row of one completion has
    its term alone; δ is half of the mean of chosen and half of that of rejected rewards, or the
    mean of the one kind that a step has.

    Source: Jung et al. 2024 (arXiv 2404.04656)
    """
    chosen, rejected = (beta * ratio for ratio in log_ratios(policy, reference))
    good, bad = present(policy)
    kinds = (good.sum() > 0) + (bad.sum() > 0).float()
    means = chosen.sum() / good.sum().clamp(min=1) + rejected.sum() / bad.sum().clamp(min=1)
    shift = (means / kinds).detach()
    return good * logistic(chosen - shift) + bad * logistic(shift - rejected)


def beta_dpo(
    policy: PairLogps,
    reference: PairLogps | None,
    *,
    beta: float = 0.1,
    alpha: float = 0.6,
    momentum: float = 0.9,
) -> Tensor:
    """DPO whose beta grows with how far apart the step's pairs are already.

        L(β' Δ),  β' = max(1e-3, β (1 + α (M - M0))), M = mean of βΔ over the step

    M0 is the running mean of M over the steps before, 0 at first: M0 ← momentum M0 + (1 - momentum)
    M. β' carries no gradient. The filter of outliers that the paper adds is left out: no pair is.

    Source: Wu et al. 2024 (arXiv 2407.08639), batch-level β; its alpha and momentum are the
    defaults, the bound is that of code which would else come below 0
    """
    assert policy.running is not None
    chosen, rejected = log_ratios(policy, reference)
    gap = reward_gap(policy, reference, beta=beta)
    scaled = beta * (1 + alpha * (gap - policy.running))
    return logistic(scaled.clamp(min=1e-3) * (chosen - rejected))


def reward_gap(
    policy: PairLogps, reference: PairLogps | None, *, beta: float = 0.1, **_: float
) -> Tensor:
    """Return the mean of βΔ over a step, without gradient: ()."""
    chosen, rejected = log_ratios(policy, reference)
    return beta * (chosen - rejected).mean().detach()


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

    Of rows of one completion the two sorts have different lengths: each quantile of the one meets
    the quantiles of the other that lie at its place. A step that has one kind alone teaches
    nothing.

    Source: Melnyk et al. 2024 (arXiv 2406.05882), unpaired
    """
    ratios, there = log_ratios(policy, reference), [has.bool() for has in present(policy)]
    if all(has.all() for has in there):
        return _sorted_apart(*ratios, beta, label_smoothing)
    high, low = (ratio[has].sort() for ratio, has in zip(ratios, there, strict=True))
    n, m = len(high.values), len(low.values)
    values = ratios[0] * 0
    if not n or not m:
        return values
    first, second, share = _coupled(n, m, values.device)
    losses = logistic(beta * (high.values[first] - low.values[second]), label_smoothing)
    places = there[0].nonzero()[high.indices[first], 0]
    return values.index_add(0, places, losses * share * len(values))


def _coupled(n: int, m: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Which of n and of m sorted numbers meet, and in which share: the quantiles' coupling."""
    import torch

    # In units of 1 / nm: the ends of the one's quantiles and of the other's.
    ends = torch.unique(torch.cat([torch.arange(1, n + 1) * m, torch.arange(1, m + 1) * n]))
    begins = torch.cat([ends.new_zeros(1), ends[:-1]])
    share = (ends - begins) / (n * m)
    return (begins // m).to(device), (begins // n).to(device), share.to(device)


def _sorted_apart(high: Tensor, low: Tensor, beta: float, label_smoothing: float) -> Tensor:
    """The smoothed loss of each quantile of `high` over that of `low`, at the places of `high`."""
    order = high.argsort(stable=True)
    apart = high[order] - low.sort().values
    return logistic(beta * apart, label_smoothing)[order.argsort()]
