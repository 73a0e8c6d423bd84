"""Attention for packed pairs, as a function registered with transformers.

Load a model with `attn_implementation=PAIR_ATTENTION` and pass `spans=` to its forward: each pair
attends within itself, the prompt and the chosen completion causally, the rejected one to the
prompt and to itself. On CPUs by asft/block_attention.py, else by fused kernels pair by pair.
"""

from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

from asft.block_attention import attend_in_blocks
from asft.config import Attention
from asft.errors import UserError
from asft.packing import Span

PAIR_ATTENTION = "asft_pairs"
FLEX_ATTENTION = "asft_flex"
FLASH_ATTENTION = "asft_varlen"  # with "flash" in its name transformers would want a package

Sizes = tuple[int, int, int]  # tokens of prompt, chosen and rejected


def pair_attention(
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
    """query (1, heads, T, dim), key and value (1, kv_heads, T, dim) → (1, T, heads, dim).

    Raises:
        ValueError: the model caps its logits, or its sliding window is shorter than a pair.
    """
    refuse_windows(spans, sliding_window, softcap)
    scale = scaling or query.shape[-1] ** -0.5
    if query.device.type == "cpu" and not dropout:
        return attend_in_blocks(*half_precision(query, key, value), spans, scale), None
    return attend_by_pairs(query, key, value, spans, scale, dropout), None


def attend_by_pairs(
    query: Tensor, key: Tensor, value: Tensor, spans: list[Span], scale: float, dropout: float = 0.0
) -> Tensor:
    """Shapes as of `pair_attention`; by PyTorch's kernels, pair by pair."""
    # split, not slices: the gradient of a slice is a whole row of zeros, of a split one copy.
    sizes = [p + c + r for _, p, c, r in spans]
    parts = zip(*(torch.split(x, sizes, dim=2) for x in (query, key, value)), strict=True)
    outputs = [
        _attend(q, k, v, (p, c, r), scale, dropout)
        for (_, p, c, r), (q, k, v) in zip(spans, parts, strict=True)
    ]
    return torch.cat(outputs, dim=2).transpose(1, 2)


def refuse_windows(spans: list[Span], sliding_window: int | None, softcap: float | None) -> None:
    """Refuse models that attend otherwise than in full, as far as these pairs would notice.

    Raises:
        ValueError: the model caps its logits, or its sliding window is shorter than a pair.
    """
    longest = max(p + max(c, r) for _, p, c, r in spans)
    if softcap is not None or (sliding_window is not None and sliding_window < longest):
        raise ValueError("packed pairs need full attention: no softcap, no sliding window")


def half_precision(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """All three in autocast's type; rotary embedding leaves some in fp32."""
    kind = query.device.type
    if torch.is_autocast_enabled(kind):
        dtype = torch.get_autocast_dtype(kind)
        return query.to(dtype), key.to(dtype), value.to(dtype)
    return query, key, value


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


AttentionInterface.register(PAIR_ATTENTION, pair_attention)


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
