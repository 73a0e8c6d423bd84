"""The KL divergence of single tokens' distributions, reference from policy, with their logps.

Both need all logits of a token. One function computes both, since its backward pass writes over
the policy's logits, and does it a few tokens at a time, in fp32.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from asft.training.logps import chunks


class _Divergences(torch.autograd.Function):
    """log p[target] and Σ q (log q - log p); keeps both logits and two numbers a token."""

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, targets: Tensor, reference: Tensor
    ) -> tuple[Tensor, Tensor]:
        picked, divergences, normalisers = [], [], []
        for rows in chunks(logits):
            policy = logits[rows].float()
            known = reference[rows].to(torch.float32, copy=True)
            ends = policy.logsumexp(-1), known.logsumexp(-1)
            picked.append(policy.gather(-1, targets[rows, None])[:, 0] - ends[0])
            apart = known.sub(policy).sub_((ends[1] - ends[0])[:, None])  # log q - log p
            divergences.append(known.sub_(ends[1][:, None]).exp_().mul_(apart).sum(-1))
            normalisers.append(torch.stack(ends))
        ctx.save_for_backward(logits, targets, reference, torch.cat(normalisers, 1))
        return torch.cat(picked), torch.cat(divergences)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        logits, targets, reference, ends = ctx.saved_tensors
        for rows in chunks(logits):
            by_logp, by_divergence = (grad[rows, None] for grad in grads)
            # d logp / d logits = onehot(target) - p, d KL / d logits = p - q.
            grad = logits[rows].to(torch.float32, copy=True)
            grad.sub_(ends[0, rows, None]).exp_().mul_(by_divergence - by_logp)
            known = reference[rows].to(torch.float32, copy=True)
            grad.sub_(known.sub_(ends[1, rows, None]).exp_().mul_(by_divergence))
            grad.scatter_add_(-1, targets[rows, None], by_logp)
            logits[rows] = grad  # in their place, as in `logps`
        return logits, None, None


def token_divergences(logits: Tensor, targets: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
    """Compute each target's log-probability, and KL(reference ‖ policy) of its distribution.

    (tokens, vocabulary), (tokens,), (tokens, vocabulary) → (tokens,) and (tokens,), fp32. The
    reference gets no gradient; the backward pass writes the policy's over its logits.
    """
    result: tuple[Tensor, Tensor] = _Divergences.apply(logits, targets, reference)  # type: ignore[no-untyped-call]
    return result
