"""Log-probabilities of completions: the quantities every loss is made of."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from asft.losses import CompletionLogps

# Rows of logits turned to fp32 at a time. On a CPU the temporary, rows × vocabulary × 4 bytes,
# should stay in the cache (3 times faster than 256); a GPU wants few launches.
CHUNK = {"cpu": 32}
CHUNK_ELSEWHERE = 1024


class _TokenLogps(torch.autograd.Function):
    """log softmax(logits)[target] in fp32 chunks; keeps the logits and one number a row."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> Tensor:
        picked, normaliser = [], []
        for rows in chunks(logits):
            full = logits[rows].float()
            normaliser.append(full.logsumexp(-1))
            picked.append(full.gather(-1, targets[rows, None])[:, 0])
        lse = torch.cat(normaliser)
        ctx.save_for_backward(logits, targets, lse)
        return torch.cat(picked) - lse

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        logits, targets, lse = ctx.saved_tensors
        for rows in chunks(logits):
            scale = grads[0][rows, None]
            # d logp / d logits = onehot(target) - softmax(logits).
            grad = logits[rows].to(torch.float32, copy=True)
            grad.sub_(lse[rows, None]).exp_().mul_(-scale)
            grad.scatter_add_(-1, targets[rows, None], scale)
            # In the place of the logits, the largest array of a step; autograd refuses a second
            # backward pass.
            logits[rows] = grad
        return logits, None


def chunks(logits: Tensor) -> list[slice]:
    """Return the rows of logits that are turned to fp32 at a time."""
    size = CHUNK.get(logits.device.type, CHUNK_ELSEWHERE)
    return [slice(start, start + size) for start in range(0, len(logits), size)]


def token_logps(logits: Tensor, targets: Tensor) -> Tensor:
    """Compute each target's log-probability: (tokens, vocabulary), (tokens,) → (tokens,) fp32.

    The backward pass writes the gradient over the logits.
    """
    result: Tensor = _TokenLogps.apply(logits, targets)  # type: ignore[no-untyped-call]
    return result


def token_collisions(logits: Tensor) -> Tensor:
    """Compute log Σ p² of each distribution, without gradient: (tokens, vocabulary) → (tokens,)."""
    found = []
    with torch.no_grad():
        for rows in chunks(logits):
            full = logits[rows].float()
            found.append((2 * full).logsumexp(-1) - 2 * full.logsumexp(-1))
    return torch.cat(found)


def sum_segments(values: Tensor, segments: Tensor, count: int) -> CompletionLogps:
    """Sum token log-probabilities by segment number: (tokens,) and (tokens,) → (count,)."""
    zeros = torch.zeros(count, dtype=torch.float32, device=values.device)
    # Lengths are data, not something to differentiate.
    tokens = zeros.index_add(0, segments, torch.ones_like(values, requires_grad=False))
    return CompletionLogps(zeros.index_add(0, segments, values), tokens)
