"""Losses on the margin of log-ratios to the reference: DPO and those that change a term of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from asft.losses.logps import PairLogps, log_ratio_means, log_ratios
from asft.losses.numerics import log_sigmoid, logistic

if TYPE_CHECKING:
    from torch import Tensor


def dpo(
    policy: PairLogps, reference: PairLogps | None, *, beta: float, label_smoothing: float = 0.0
) -> Tensor:
    """Direct preference optimisation (ASFT Eq. 3, Rafailov et al. 2024 Eq. 7; their beta).

        (1 - ε) L(βΔ) + ε L(-βΔ),  ε = label_smoothing

    A label_smoothing above 0 is conservative DPO, which stops at the margin whose σ is 1 - ε.

    Source: Rafailov et al. 2023 (arXiv 2305.18290) Eq. 7; label_smoothing: Mitchell 2023, "A note
    on DPO with noisy preferences and relationship to IPO"
    """
    return logistic(beta * _margin(policy, reference), label_smoothing)


def tr_dpo(
    policy: PairLogps,
    reference: PairLogps | None,
    *,
    beta: float,
    label_smoothing: float = 0.0,
    mix: float = 0.6,
    every: float = 512,
) -> Tensor:
    """DPO with a reference that follows the policy.

        (1 - ε) L(βΔ) + ε L(-βΔ),  π_ref ← mix · π + (1 - mix) · π_ref every so many steps

    Weights are mixed, after every `every`-th step; a mix of 1 replaces the reference (their hard
    update). Held-out pairs are measured with the reference of that moment.

    Source: Gorbatovski et al. 2024 (arXiv 2404.09656); defaults as in TRL
    """
    return dpo(policy, reference, beta=beta, label_smoothing=label_smoothing)


def robust_dpo(
    policy: PairLogps, reference: PairLogps | None, *, beta: float, label_smoothing: float = 0.1
) -> Tensor:
    """DPO whose mean over labels flipped at a known rate is that of DPO on the true ones.

        ((1 - ε) L(βΔ) - ε L(-βΔ)) / (1 - 2ε),  ε = label_smoothing

    It has no minimum: the flipped term is taken away, not added as `dpo`'s label_smoothing does.

    Source: Chowdhury et al. 2024 (arXiv 2403.00409)
    """
    margin = beta * _margin(policy, reference)
    return logistic(margin, -label_smoothing / (1 - 2 * label_smoothing))


def dpo_norm(policy: PairLogps, reference: PairLogps | None, *, beta: float = 5.0) -> Tensor:
    """DPO on log-ratios per token.

        L(β (r_w / n_w - r_l / n_l))

    Source: Lambert et al. 2024 (Tülu 3, arXiv 2411.15124), whose beta is the default
    """
    chosen, rejected = log_ratio_means(policy, reference)
    return logistic(beta * (chosen - rejected))


def r_dpo(policy: PairLogps, reference: PairLogps | None, *, beta: float, alpha: float) -> Tensor:
    """DPO with a length penalty: a reward r - alpha·tokens behind the preferences.

        L(βΔ + α (n_w - n_l))

    Where the chosen completion is the longer one its length explains a part of the preference, and
    the policy is moved less: the sign is plus inside the logit.

    Source: Park et al. 2024 (arXiv 2403.19159)
    """
    longer = policy.chosen.tokens - policy.rejected.tokens
    return logistic(beta * _margin(policy, reference) + alpha * longer)


def dpop(
    policy: PairLogps, reference: PairLogps | None, *, beta: float, penalty: float = 50.0
) -> Tensor:
    """DPO-positive: DPO that also keeps the chosen completion as likely as the reference has it.

        L(β (Δ - λ max(0, -r_w))),  λ = penalty

    Source: Pal et al. 2024 (Smaug, arXiv 2402.13228)
    """
    chosen, rejected = log_ratios(policy, reference)
    # relu and not clamp, whose gradient at 0 is 1: the policy begins there, as the reference.
    return logistic(beta * (chosen - rejected - penalty * (-chosen).relu()))


def hinge(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """SLiC's hinge on DPO's margin, which stops at 1; `slic_hf` has no reference.

        max(0, 1 - βΔ)

    Source: Liu et al. 2023 (RSO, arXiv 2309.06657), hinge-norm
    """
    return (1 - beta * _margin(policy, reference)).relu()


def ipo(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """Identity preference optimisation on per-token means, as TRL and LLaMA-Factory do it.

        (r_w / n_w - r_l / n_l - 1 / (2β))²

    Azar et al. 2023 Eq. 17 with its tau as beta; they state it for sums: `ipo_sum`.

    Source: Azar et al. 2023 (arXiv 2310.12036) Eq. 17
    """
    chosen, rejected = log_ratio_means(policy, reference)
    return (chosen - rejected - 1 / (2 * beta)) ** 2


def ipo_sum(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """Identity preference optimisation on summed log-probabilities (Azar et al. 2023 Eq. 17).

        (Δ - 1 / (2β))²

    Source: Azar et al. 2023 (arXiv 2310.12036) Eq. 17
    """
    return (_margin(policy, reference) - 1 / (2 * beta)) ** 2


def exo(
    policy: PairLogps, reference: PairLogps | None, *, beta: float, label_smoothing: float = 1e-3
) -> Tensor:
    """Efficient exact optimisation of pairs: the reverse KL to a nearly certain preference.

        q log(q / (1 - ε)) + (1 - q) log((1 - q) / ε),  q = σ(βΔ), ε = label_smoothing

    Source: Ji et al. 2024 (arXiv 2402.00856) Eq. 16
    """
    margin = beta * _margin(policy, reference)
    prefers, not_ = log_sigmoid(margin), log_sigmoid(-margin)
    kept, flipped = math.log1p(-label_smoothing), math.log(label_smoothing)
    return prefers.exp() * (prefers - kept) + not_.exp() * (not_ - flipped)


def discopop(
    policy: PairLogps, reference: PairLogps | None, *, beta: float = 0.05, tau: float = 0.05
) -> Tensor:
    """DiscoPOP, found by search: from the logistic loss to the exponential one at margin 0.

        (1 - g) L(βΔ) + g exp(-βΔ),  g = σ(βΔ / τ)

    Source: Lu et al. 2024 (arXiv 2406.08414) Eq. 5, whose beta and tau are the defaults
    """
    margin = beta * _margin(policy, reference)
    # g exp(-x) as one exponential: for very negative x it is 0, not 0 times infinity.
    exponential = (log_sigmoid(margin / tau) - margin).exp()
    return log_sigmoid(-margin / tau).exp() * logistic(margin) + exponential


def _margin(policy: PairLogps, reference: PairLogps | None) -> Tensor:
    chosen, rejected = log_ratios(policy, reference)
    return chosen - rejected
