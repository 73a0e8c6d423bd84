"""Attention for packed pairs, as functions registered with transformers.

Load a model with `attn_implementation=PAIR_ATTENTION` and pass `spans=` to its forward: each pair
attends within itself, the prompt and the chosen completion causally, the rejected one to the
prompt and to itself. On CPUs by asft/block_attention.py, else by fused kernels pair by pair.
"""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

from asft.block_attention import attend_in_blocks
from asft.config import Attention
from asft.errors import UserError
from asft.fused import autocast_dtype
from asft.packing import Span

PAIR_ATTENTION = "asft_pairs"
FLEX_ATTENTION = "asft_flex"
FLASH_ATTENTION = "asft_varlen"  # with "flash" in its name transformers would want a package

Sizes = tuple[int, int, int]  # tokens of prompt, chosen and rejected


def register(name: str, attend: Callable[..., Tensor], knows_dropout: bool = False) -> None:
    """Make `attend(query, key, value, spans, scale)` a way to attend that transformers knows.

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
        spans: list[Span],
        scaling: float | None = None,
        dropout: float = 0.0,
        sliding_window: int | None = None,
        softcap: float | None = None,
        **unused: Any,
    ) -> tuple[Tensor, None]:
        _refuse_windows(spans, sliding_window, softcap)
        if dropout and not knows_dropout:
            raise ValueError(f"{name}: no dropout of attention weights")
        # Rotary embedding leaves some in fp32.
        dtype = autocast_dtype(query) or query.dtype
        query, key, value = (x.to(dtype) for x in (query, key, value))
        options = {"dropout": dropout} if knows_dropout else {}
        return attend(query, key, value, spans, scaling or query.shape[-1] ** -0.5, **options), None

    AttentionInterface.register(name, call)


def _attend_pairs(
    query: Tensor, key: Tensor, value: Tensor, spans: list[Span], scale: float, dropout: float
) -> Tensor:
    if query.device.type == "cpu" and not dropout:
        return attend_in_blocks(query, key, value, spans, scale)
    return attend_by_pairs(query, key, value, spans, scale, dropout)


def attend_by_pairs(
    query: Tensor, key: Tensor, value: Tensor, spans: list[Span], scale: float, dropout: float = 0.0
) -> Tensor:
    """Shapes as of `register`; by PyTorch's kernels, pair by pair."""
    # split, not slices: the gradient of a slice is a whole row of zeros, of a split one copy.
    sizes = [p + c + r for _, p, c, r in spans]
    parts = zip(*(torch.split(x, sizes, dim=2) for x in (query, key, value)), strict=True)
    outputs = [
        _attend(q, k, v, (p, c, r), scale, dropout)
        for (_, p, c, r), (q, k, v) in zip(spans, parts, strict=True)
    ]
    return torch.cat(outputs, dim=2).transpose(1, 2)


def _refuse_windows(spans: list[Span], sliding_window: int | None, softcap: float | None) -> None:
    # As far as these pairs would notice.
    longest = max(p + max(c, r) for _, p, c, r in spans)
    if softcap is not None or (sliding_window is not None and sliding_window < longest):
        raise ValueError("packed pairs need full attention: no softcap, no sliding window")


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


def implementation(wanted: Attention, device: torch.device, precision: torch.dtype) -> str:
    """The name to load a model with, for training at this precision; `auto` is the fastest here.

    Raises:
        UserError: flex or flash attention is not to be had here.
    """
    if wanted == "flex":
        if device.type != "cuda":  # elsewhere it has no backward pass
            raise UserError("training.attention: flex needs a CUDA GPU; take pairs")
        import asft.flex

        return FLEX_ATTENTION
    lacking = _what_flash_lacks(device, precision)
    if wanted == "flash" and lacking:
        raise UserError(f"training.attention: flash needs {lacking}; take pairs")
    if wanted == "pairs" or lacking:
        if device.type == "cuda":  # cuDNN's takes milliseconds for each new length, and all are new
            torch.backends.cuda.enable_cudnn_sdp(False)
        return PAIR_ATTENTION
    import asft.flash  # noqa: F401 - registers itself

    return FLASH_ATTENTION


def _what_flash_lacks(device: torch.device, precision: torch.dtype) -> str | None:
    if device.type != "cuda" or torch.version.cuda is None:
        return "a CUDA GPU"
    if torch.cuda.get_device_capability(device) < (8, 0):
        return "a GPU of compute capability 8.0 (Ampere) or later"
    if precision == torch.float32:
        return "training.precision: bf16"
    if find_spec("torch.nn.attention.varlen") is None:
        return "torch 2.10 or later"
    return None
