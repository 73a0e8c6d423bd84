"""Register our attention functions with transformers."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface

from asft.training.kernels import autocast_dtype
from asft.training.packing import Span


def register(name: str, attend: Callable[..., Tensor], knows_dropout: bool = False) -> None:
    """Register `attend(query, key, value, spans, scale)` with transformers under `name`.

    query (1, heads, T, dim), key and value (1, kv_heads, T, dim) → (1, T, heads, dim). With
    `knows_dropout` it takes the dropout as well. A model's forward raises ValueError where that
    model attends otherwise than in full.
    """

    def call(
        module: torch.nn.Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None,
        *,
        spans: list[Span] | None = None,
        scaling: float | None = None,
        dropout: float = 0.0,
        sliding_window: int | None = None,
        softcap: float | None = None,
        **unused: Any,
    ) -> tuple[Tensor, None]:
        if spans is None:  # the model's forward drops what it does not know
            raise ValueError("which tokens are a pair does not reach its attention")
        _refuse_windows(spans, sliding_window, softcap)
        if dropout and not knows_dropout:
            raise ValueError(f"{name}: no dropout of attention weights")
        # Rotary embedding leaves some in fp32.
        dtype = autocast_dtype(query) or query.dtype
        query, key, value = (x.to(dtype) for x in (query, key, value))
        options = {"dropout": dropout} if knows_dropout else {}
        return attend(query, key, value, spans, scaling or query.shape[-1] ** -0.5, **options), None

    AttentionInterface.register(name, call)


def _refuse_windows(spans: list[Span], sliding_window: int | None, softcap: float | None) -> None:
    # As far as these pairs would notice.
    longest = max(p + max(c, r) for _, p, c, r in spans)
    if softcap is not None or (sliding_window is not None and sliding_window < longest):
        raise ValueError("packed pairs need full attention: no softcap, no sliding window")
