"""What a loss looks at: log-probabilities of completions, with their lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

    from asft.records import PairNumbers


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
    """Log-probabilities of a batch of pairs; from `prompt` on they are for losses that ask.

    A completion that a row does not hold has sum 0 and 0 tokens. `mismatched` are those of the same
    prompts with the completions of other pairs. `collisions` has in place of log-probabilities of
    tokens the log-probability that two draws agree, log Σ p². `shared` are those of each
    completion's first tokens, as many as the shorter of the two has. `divergences` has of tokens
    the KL divergence of the policy's distribution from the reference's. `numbers` are the data's.
    `running`, (), is a mean over earlier steps of what the loss's row says.
    """

    chosen: CompletionLogps
    rejected: CompletionLogps
    prompt: CompletionLogps | None = None
    mismatched: PairLogps | None = None
    collisions: PairLogps | None = None
    shared: PairLogps | None = None
    divergences: PairLogps | None = None
    numbers: PairNumbers[Tensor] | None = None
    running: Tensor | None = None

    @property
    def margin(self) -> Tensor:
        """Likelihood margin, mean log-probability of chosen minus rejected, (batch,)."""
        return self.chosen.mean - self.rejected.mean

    @property
    def margin_sum(self) -> Tensor:
        """Likelihood margin on sums: log-probability of chosen minus rejected, (batch,)."""
        return self.chosen.sum - self.rejected.sum


def log_ratios(policy: PairLogps | None, reference: PairLogps | None) -> tuple[Tensor, Tensor]:
    """Return log π/π_ref of chosen and of rejected, on sums: (batch,) each."""
    assert policy is not None
    assert reference is not None
    chosen: Tensor = policy.chosen.sum - reference.chosen.sum
    return chosen, policy.rejected.sum - reference.rejected.sum


def log_ratio_means(policy: PairLogps, reference: PairLogps | None) -> tuple[Tensor, Tensor]:
    """Return log π/π_ref of chosen and of rejected, per token: (batch,) each."""
    assert reference is not None
    chosen: Tensor = policy.chosen.mean - reference.chosen.mean
    return chosen, policy.rejected.mean - reference.rejected.mean


def present(pairs: PairLogps) -> tuple[Tensor, Tensor]:
    """Return 1 where a row holds a chosen completion, and a rejected one, else 0: (batch,) each."""
    chosen, rejected = (side.tokens > 0 for side in pairs[:2])
    return chosen.to(pairs.chosen.sum.dtype), rejected.to(pairs.chosen.sum.dtype)
