"""Attention of packed pairs by FlashAttention 2: one kernel over the whole row, prompts shared.

Torch's variable-length kernel takes sequences of queries beside sequences of keys and aligns a
causal mask to their ends. So a pair is two of them: [prompt | chosen] over itself, and [rejected]
over [prompt | rejected], whose prompt is a copy of keys and values alone.
"""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.attention.varlen import varlen_attn
from torch.nn.functional import pad

from asft.training.attention.names import FLASH_ATTENTION
from asft.training.attention.register import register
from asft.training.packing import Span, without_waiting

# Newer torch wants to be told that heads share keys; older takes it as it is.
_KNOWS_GQA = "enable_gqa" in inspect.signature(varlen_attn).parameters


def attend_flash(
    query: Tensor, key: Tensor, value: Tensor, spans: list[Span], scale: float
) -> Tensor:
    """Attend within each pair by FlashAttention 2; shapes as in `register.register`."""
    size = query.shape[-1]
    # The kernel wants sizes of heads that are multiples of 8; zeros behind change no product.
    q, k, v = (pad(x.squeeze(0).transpose(0, 1), (0, -size % 8)) for x in (query, key, value))
    layout = _layout(tuple(map(tuple, spans)), query.device)
    options: dict[str, Any] = {"scale": scale, "window_size": (-1, 0)}
    if _KNOWS_GQA:
        options["enable_gqa"] = q.shape[1] != k.shape[1]
    found: Any = varlen_attn(
        q,
        k.index_select(0, layout.keys),
        v.index_select(0, layout.keys),
        layout.query_starts,
        layout.key_starts,
        layout.most_queries,
        layout.most_keys,
        **options,
    )
    whole: Tensor = found[None]
    return whole[..., :size]


class Layout(NamedTuple):
    """Layout of a row as S sequences of queries, one behind the other, and as many of keys."""

    keys: Tensor  # (K,) where in the row each key is
    query_starts: Tensor  # (S + 1,) int32
    key_starts: Tensor  # (S + 1,) int32
    most_queries: int  # of a sequence
    most_keys: int


@lru_cache(maxsize=8)  # every layer of a step asks for the same one, forward and backward
def _layout(spans: tuple[Span, ...], device: torch.device) -> Layout:
    keys: list[np.ndarray] = []
    lengths: list[tuple[int, int]] = []
    for start, p, c, r in spans:
        keys.append(np.arange(start, start + p + c))
        lengths.append((p + c, p + c))
        if r:
            keys += [np.arange(start, start + p), np.arange(r) + start + p + c]
            lengths.append((r, p + r))
    sizes = np.array(lengths)
    starts = np.zeros((len(sizes) + 1, 2), dtype=np.int32)
    np.cumsum(sizes, axis=0, out=starts[1:])
    most_queries, most_keys = sizes.max(axis=0).tolist()
    return Layout(
        without_waiting(torch.from_numpy(np.concatenate(keys)), device),
        without_waiting(torch.from_numpy(starts[:, 0].copy()), device),
        without_waiting(torch.from_numpy(starts[:, 1].copy()), device),
        most_queries,
        most_keys,
    )


register(FLASH_ATTENTION, attend_flash)
