"""Losses on the policy's own likelihood: SFT, and ORPO and ASFT with their alignment terms.

Which of sum and mean a formula takes is part of the formula: "sum" is log π(y|x), "mean" is that
divided by the number of completion tokens, the log of the geometric-mean token probability.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asft.losses.logps import PairLogps
from asft.losses.numerics import log1mexp, log_odds, logistic

if TYPE_CHECKING:
    from torch import Tensor


def sft(policy: PairLogps, reference: PairLogps | None) -> Tensor:
    """Negative log-likelihood of the chosen completion, per token.

        -m_w

    Source: Wang et al. 2024 (arXiv 2409.10571), L_SFT of Eq. 14
    """
    return -policy.chosen.mean


def odds_ratio(policy: PairLogps, temperature: float = 1.0) -> Tensor:
    """ORPO's alignment term, -log σ(f(chosen) - f(rejected)) (Hong et al. 2024 Eq. 7)."""
    return logistic(temperature * (log_odds(policy.chosen.mean) - log_odds(policy.rejected.mean)))


def orpo(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """ORPO (Hong et al. 2024 Eq. 6, λ = beta), SFT term over the response as LLaMA-Factory.

        -m_w + β L(f_w - f_l)

    Source: Hong et al. 2024 (arXiv 2403.07691) Eq. 6
    """
    return sft(policy, reference) + beta * odds_ratio(policy)


def orpo_full_nll(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """ORPO with the SFT term over prompt and response together, as in TRL and xfactlab/orpo.

        -(s_x + s_w) / (n_x + n_w) + β L(f_w - f_l)

    Source: Hong et al. 2024 (arXiv 2403.07691) Eq. 6, and their code
    """
    prompt, chosen = policy.prompt, policy.chosen
    assert prompt is not None
    nll = -(prompt.sum + chosen.sum) / (prompt.tokens + chosen.tokens)
    return nll + beta * odds_ratio(policy)


def orpo_tempered(
    policy: PairLogps,
    reference: PairLogps | None,
    *,
    beta: float,
    weight: float = 1.0,
    sft_weight: float = 0.0,
) -> Tensor:
    """ORPO's alignment term with a temperature, beta, inside the logit.

        -sft_weight m_w + weight L(β (f_w - f_l))

    The weight outside the logit is what ORPO itself calls λ: beta 1 and sft_weight 1 give `orpo`.

    Source: Gorbatovski et al. 2025 (arXiv 2502.01237)
    """
    return sft_weight * sft(policy, reference) + weight * odds_ratio(policy, beta)


def align(policy: PairLogps) -> Tensor:
    """ASFT's alignment term, -log σ(f(chosen)) - log σ(-f(rejected)) (Eq. 13).

    Written as -log p_chosen - log(1 - p_rejected), which is the same (Eq. 23). On summed
    log-probabilities 1 - p would be 1 and the rejected completion without effect: we take means.
    """
    return -policy.chosen.mean - log1mexp(policy.rejected.mean)


def asft(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """Aligned supervised fine-tuning (Eq. 14; Appendix B's listing loses the rejected term).

        -m_w + β (L(f_w) + L(-f_l))

    Source: Wang et al. 2024 (arXiv 2409.10571) Eq. 14
    """
    return sft(policy, reference) + beta * align(policy)


def asft_tempered(
    policy: PairLogps,
    reference: PairLogps | None,
    *,
    beta: float,
    weight: float = 1.0,
    sft_weight: float = 0.0,
) -> Tensor:
    """ASFT's alignment term with a temperature, beta, inside the logits.

        -sft_weight m_w + weight (L(β f_w) + L(-β f_l))

    The weight outside the logits is what ASFT itself calls β: beta 1 and sft_weight 1 give `asft`.

    Source: Gorbatovski et al. 2025 (arXiv 2502.01237)
    """
    chosen, rejected = log_odds(policy.chosen.mean), log_odds(policy.rejected.mean)
    term = logistic(beta * chosen) + logistic(-beta * rejected)
    return sft_weight * sft(policy, reference) + weight * term
