"""Attention for packed pairs, as a function registered with transformers.

Load a model with `attn_implementation=PAIR_ATTENTION` and pass `spans=` to its forward: each pair
attends within itself, the prompt and the chosen completion causally, the rejected one to the
prompt and to itself. One call per pair instead of one mask over the row: the mask was 1.2-1.6
times slower.
"""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.utils.import_utils import is_flash_attn_2_available

from asft.config import Attention
from asft.errors import UserError
from asft.packing import Span

PAIR_ATTENTION = "asft_pairs"
FLEX_ATTENTION = "asft_flex"
# Tokens of a pair up to which a CPU attends with a mask; its weights are kept for the backward
# pass: 2 bytes × heads × tokens² per layer.
DENSE_UP_TO = 512

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
    longest = max(p + max(c, r) for _, p, c, r in spans)
    if softcap is not None or (sliding_window is not None and sliding_window < longest):
        raise ValueError("packed pairs need full attention: no softcap, no sliding window")
    # split, not slices: the gradient of a slice is a whole row of zeros, of a split one copy.
    sizes = [p + c + r for _, p, c, r in spans]
    parts = zip(*(torch.split(x, sizes, dim=2) for x in (query, key, value)), strict=True)
    if getattr(module, "layer_idx", None) == 0:
        _mask.cache_clear()  # another row, other masks
    outputs = []
    for (_, p, c, r), (q, k, v) in zip(spans, parts, strict=True):
        dense = q.device.type == "cpu" and p + c + r <= DENSE_UP_TO and not dropout
        attend = _attend_dense if dense else _attend_split
        outputs.append(attend(q, k, v, (p, c, r), scaling or q.shape[-1] ** -0.5, dropout))
    return torch.cat(outputs, dim=2).transpose(1, 2), None


def _attend_split(
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


def _attend_dense(
    query: Tensor, key: Tensor, value: Tensor, sizes: Sizes, scale: float, dropout: float
) -> Tensor:
    """Plain attention with one mask: for short pairs a CPU's fused kernel is slower backwards."""
    (_, heads, tokens, _), groups = query.shape, key.shape[1]
    # Heads that share a key-value head stand in one matrix: no repeated keys.
    mask = _mask(*sizes, heads // groups, query.dtype).expand(groups, -1, -1)
    q = query.reshape(groups, -1, query.shape[-1])
    weights = torch.baddbmm(mask, q, key.squeeze(0).transpose(1, 2), alpha=scale).softmax(-1)
    return torch.bmm(weights, value.squeeze(0)).view(1, heads, tokens, -1)


@lru_cache(maxsize=64)  # every layer of a step asks for the same few
def _mask(p: int, c: int, r: int, repeats: int, dtype: torch.dtype) -> Tensor:
    allowed = torch.ones(p + c + r, p + c + r, dtype=torch.bool).tril()
    allowed[p + c :, p : p + c] = False
    mask = torch.zeros(allowed.shape, dtype=dtype).masked_fill_(~allowed, float("-inf"))
    return mask.repeat(repeats, 1)


AttentionInterface.register(PAIR_ATTENTION, pair_attention)


def implementation(wanted: Attention, device: torch.device) -> str:
    """The name to load a model with. `auto` is what was measured: pairs.

    Raises:
        UserError: flex or flash attention is not to be had here.
    """
    if wanted == "flex":
        if device.type != "cuda":  # elsewhere it has no backward pass
            raise UserError("training.attention: flex needs a CUDA GPU; take pairs")
        import asft.flex  # noqa: F401 - registers itself

        return FLEX_ATTENTION
    if wanted == "flash":
        if device.type != "cuda" or not is_flash_attn_2_available():
            raise UserError(
                "training.attention: flash needs a CUDA GPU and the package flash-attn; take pairs"
            )
        return "flash_attention_2"
    return PAIR_ATTENTION


def shares_prompts(model: Any) -> bool:
    """Whether the model attends by pairs; otherwise it takes a row's sequences one by one."""
    return model.config._attn_implementation in (PAIR_ATTENTION, FLEX_ATTENTION)
