"""The training losses, one function each, and the table of methods.

A loss maps the log-probabilities of a batch of pairs to one value per pair, shape (batch,). Its
keyword arguments are the method's hyper-parameters; `reference` is None unless the method needs
one. "sum" is log π(y|x); "mean" is that divided by the number of completion tokens, i.e. the log
of the geometric-mean token probability. Which of the two a formula takes is part of the formula.

Torch is imported inside the functions: while the Snakefile is parsed the config is checked against
these signatures, and that must not wait for torch.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor


class CompletionLogps(NamedTuple):
    """log π(y|x) of a batch of completions, and their lengths: both (batch,), fp32."""

    sum: Tensor
    tokens: Tensor

    @property
    def mean(self) -> Tensor:
        """Log of the geometric-mean token probability, (batch,)."""
        # An empty completion would be 0/0; preparation drops them, this keeps a gap from being NaN.
        return self.sum / self.tokens.clamp(min=1)


class PairLogps(NamedTuple):
    """Log-probabilities of a batch of pairs; `prompt` is filled only for losses that ask for it."""

    chosen: CompletionLogps
    rejected: CompletionLogps
    prompt: CompletionLogps | None = None

    @property
    def margin(self) -> Tensor:
        """Likelihood margin, mean log-probability of chosen minus rejected, (batch,)."""
        return self.chosen.mean - self.rejected.mean

    @property
    def margin_sum(self) -> Tensor:
        """Likelihood margin on sums: log-probability of chosen minus rejected, (batch,)."""
        return self.chosen.sum - self.rejected.sum


def log1mexp(x: Tensor, eps: float = 1e-6) -> Tensor:
    """Compute log(1 - exp(x)) for x ≤ 0 in fp32, with value and gradient finite everywhere.

    Log-probabilities above -eps are taken as -eps: the value stops at log(eps) and the gradient,
    whose size is p/(1-p), at 0 beyond it. The inner `where`s keep the branch not taken away from
    its pole, as its infinite gradient times zero would be NaN.
    """
    import torch

    x = x.float().clamp(max=-eps)
    near_zero = x > -math.log(2)  # each form is exact to rounding on its own side
    close = torch.log(-torch.expm1(torch.where(near_zero, x, -1.0)))
    far = torch.log1p(-torch.exp(torch.where(near_zero, -1.0, x)))
    return torch.where(near_zero, close, far)


def log_odds(x: Tensor) -> Tensor:
    """Compute f = log(p / (1 - p)) for p = exp(x) (ASFT Eq. 10)."""
    return x - log1mexp(x)


def sft(policy: PairLogps, reference: PairLogps | None) -> Tensor:
    """Negative log-likelihood of the chosen completion, per token."""
    return -policy.chosen.mean


def dpo(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """Direct preference optimisation (ASFT Eq. 3, Rafailov et al. 2024 Eq. 7; their beta)."""
    from torch.nn.functional import logsigmoid

    return -logsigmoid(beta * _reward_margin(policy, reference))


def ipo(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """Identity preference optimisation on per-token means, as TRL and LLaMA-Factory do it.

    Azar et al. 2023 Eq. 17 with its tau as beta; they state it for sums: `ipo_sum`.
    """
    assert reference is not None
    chosen = policy.chosen.mean - reference.chosen.mean
    rejected = policy.rejected.mean - reference.rejected.mean
    return (chosen - rejected - 1 / (2 * beta)) ** 2


def ipo_sum(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """Identity preference optimisation on summed log-probabilities (Azar et al. 2023 Eq. 17)."""
    return (_reward_margin(policy, reference) - 1 / (2 * beta)) ** 2


def odds_ratio(policy: PairLogps) -> Tensor:
    """ORPO's alignment term, -log σ(f(chosen) - f(rejected)) (Hong et al. 2024 Eq. 7)."""
    from torch.nn.functional import logsigmoid

    return -logsigmoid(log_odds(policy.chosen.mean) - log_odds(policy.rejected.mean))


def orpo(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """ORPO (Hong et al. 2024 Eq. 6, λ = beta), SFT term over the response as LLaMA-Factory."""
    return sft(policy, reference) + beta * odds_ratio(policy)


def orpo_full_nll(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """ORPO with the SFT term over prompt and response together, as in TRL and xfactlab/orpo."""
    prompt, chosen = policy.prompt, policy.chosen
    assert prompt is not None
    nll = -(prompt.sum + chosen.sum) / (prompt.tokens + chosen.tokens)
    return nll + beta * odds_ratio(policy)


def align(policy: PairLogps) -> Tensor:
    """ASFT's alignment term, -log σ(f(chosen)) - log σ(-f(rejected)) (Eq. 13).

    Written as -log p_chosen - log(1 - p_rejected), which is the same (Eq. 23). On summed
    log-probabilities 1 - p would be 1 and the rejected completion without effect: we take means.
    """
    return -policy.chosen.mean - log1mexp(policy.rejected.mean)


def asft(policy: PairLogps, reference: PairLogps | None, *, beta: float) -> Tensor:
    """Aligned supervised fine-tuning (Eq. 14; Appendix B's listing loses the rejected term)."""
    return sft(policy, reference) + beta * align(policy)


def _reward_margin(policy: PairLogps, reference: PairLogps | None) -> Tensor:
    assert reference is not None
    chosen: Tensor = policy.chosen.sum - reference.chosen.sum
    return chosen - (policy.rejected.sum - reference.rejected.sum)


@dataclass(frozen=True)
class Method:
    """A training method: its loss, and which log-probabilities the loss looks at."""

    loss: Callable[..., Tensor]
    needs_reference: bool = False
    paired: bool = True  # False: the loss never looks at the rejected completion
    needs_prompt: bool = False  # True: it also looks at the prompt's own log-probability
    positive: tuple[str, ...] = ()  # hyper-parameters without which there is no loss to lower

    def hyperparameters(self) -> dict[str, Any]:
        """Return the loss's keyword arguments by name: default, or `inspect.Parameter.empty`."""
        parameters = inspect.signature(self.loss).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


METHODS = {
    "sft": Method(sft, paired=False),
    "dpo": Method(dpo, needs_reference=True, positive=("beta",)),
    "ipo": Method(ipo, needs_reference=True, positive=("beta",)),
    "ipo_sum": Method(ipo_sum, needs_reference=True, positive=("beta",)),
    "orpo": Method(orpo),
    "orpo_full_nll": Method(orpo_full_nll, needs_prompt=True),
    "asft": Method(asft),
}
