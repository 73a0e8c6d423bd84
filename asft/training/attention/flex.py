"""Attention of packed pairs by FlexAttention: one kernel over the row, whole blocks skipped.

For GPUs, where attention by pairs would launch two kernels for each pair and layer.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

from asft.training.attention.names import FLEX_ATTENTION
from asft.training.attention.register import register
from asft.training.packing import Span, without_waiting


def attend_flex(
    query: Tensor, key: Tensor, value: Tensor, spans: list[Span], scale: float
) -> Tensor:
    """Attend within each pair by FlexAttention; shapes as in `register.register`."""
    # On a CPU, in tests, and without gradients: as it is.
    attend = _compiled() if query.device.type == "cuda" else flex_attention
    mask = _mask(tuple(map(tuple, spans)), query.shape[2], query.device)
    grouped = query.shape[1] != key.shape[1]
    found: Tensor = attend(query, key, value, block_mask=mask, scale=scale, enable_gqa=grouped)
    return found.transpose(1, 2)


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


register(FLEX_ATTENTION, attend_flex)
