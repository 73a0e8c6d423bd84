"""Attention for packed pairs, as functions registered with transformers.

Load a model with `attn_implementation=PAIR_ATTENTION` and pass `spans=` to its forward: each pair
attends within itself, the prompt and the chosen completion causally, the rejected one to the
prompt and to itself. On CPUs by `blocks`, else by fused kernels pair by pair.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from asft.training.attention.blocks import attend_in_blocks
from asft.training.attention.names import PAIR_ATTENTION
from asft.training.attention.register import register
from asft.training.packing import Span

Sizes = tuple[int, int, int]  # tokens of prompt, chosen and rejected


def _attend_pairs(
    query: Tensor, key: Tensor, value: Tensor, spans: list[Span], scale: float, dropout: float
) -> Tensor:
    if query.device.type == "cpu" and not dropout:
        return attend_in_blocks(query, key, value, spans, scale)
    return attend_by_pairs(query, key, value, spans, scale, dropout)


def attend_by_pairs(
    query: Tensor, key: Tensor, value: Tensor, spans: list[Span], scale: float, dropout: float = 0.0
) -> Tensor:
    """Attend pair by pair with PyTorch's kernels; shapes as in `register.register`."""
    # split, not slices: the gradient of a slice is a whole row of zeros, of a split one copy.
    sizes = [p + c + r for _, p, c, r in spans]
    parts = zip(*(torch.split(x, sizes, dim=2) for x in (query, key, value)), strict=True)
    outputs = [
        _attend(q, k, v, (p, c, r), scale, dropout)
        for (_, p, c, r), (q, k, v) in zip(spans, parts, strict=True)
    ]
    return torch.cat(outputs, dim=2).transpose(1, 2)


def _attend(
    query: Tensor, key: Tensor, value: Tensor, sizes: Sizes, scale: float, dropout: float
) -> Tensor:
    """Fused attention, once over [prompt | chosen], once from rejected to [prompt | rejected]."""
    p, c, r = sizes
    options: dict[str, Any] = {"scale": scale, "dropout_p": dropout}
    options["enable_gqa"] = query.shape[1] != key.shape[1]
    (q, q_rejected), (k, k_rejected), (v, v_rejected) = (
        torch.split(x, [p + c, r], dim=2) for x in (query, key, value)
    )
    first = scaled_dot_product_attention(q, k, v, is_causal=True, **options)
    if not r:
        return first
    k = torch.cat([k[:, :, :p], k_rejected], dim=2)
    v = torch.cat([v[:, :, :p], v_rejected], dim=2)
    # Row i of the rejected completion sees the prompt and its own first i + 1 tokens.
    mask = query.new_ones(r, p + r, dtype=torch.bool).tril(p)
    second = scaled_dot_product_attention(q_rejected, k, v, attn_mask=mask, **options)
    return torch.cat([first, second], dim=2)


register(PAIR_ATTENTION, _attend_pairs, knows_dropout=True)
