"""Packed pairs by FlexAttention: one kernel over the whole row, whole blocks of it skipped.

For GPUs, where `pair_attention` would launch two kernels for each pair and layer.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention
from transformers import AttentionInterface

from asft.attention import FLEX_ATTENTION, half_precision
from asft.packing import Span, without_waiting


def pair_flex_attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    spans: list[Span],
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **unused: Any,
) -> tuple[Tensor, None]:
    """Shapes and meaning as `attention.pair_attention`.

    Raises:
        ValueError: dropout, a soft cap or a window, which the mask does not know.
    """
    if dropout or softcap is not None or sliding_window is not None:
        raise ValueError("flex attention of pairs: no dropout, no softcap, no sliding window")
    # On a CPU, in tests, and without gradients: as it is.
    attend = _compiled() if query.device.type == "cuda" else flex_attention
    mask = _mask(tuple(map(tuple, spans)), query.shape[2], query.device)
    grouped = query.shape[1] != key.shape[1]
    q, k, v = half_precision(query, key, value)
    found = attend(q, k, v, block_mask=mask, scale=scaling, enable_gqa=grouped)
    return found.transpose(1, 2), None


@lru_cache(maxsize=1)
def _compiled() -> Any:
    return torch.compile(flex_attention, dynamic=True)


@lru_cache(maxsize=8)  # every layer of a step asks for the same one, forward and backward
def _mask(spans: tuple[Span, ...], length: int, device: torch.device) -> BlockMask:
    pair = torch.zeros(length, dtype=torch.int32)
    part = torch.zeros(length, dtype=torch.int32)  # 0 prompt, 1 chosen, 2 rejected
    for number, (start, p, c, r) in enumerate(spans):
        pair[start : start + p + c + r] = number
        part[start + p : start + p + c] = 1
        part[start + p + c : start + p + c + r] = 2
    pair, part = without_waiting(pair, device), without_waiting(part, device)

    def sees(batch: Tensor, head: Tensor, q: Tensor, k: Tensor) -> Tensor:
        of_other = (part[q] == 2) & (part[k] == 1)
        return (pair[q] == pair[k]) & (k <= q) & ~of_other

    return create_block_mask(sees, None, None, length, length, device=str(device))


AttentionInterface.register(FLEX_ATTENTION, pair_flex_attention)
