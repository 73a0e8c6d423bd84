"""Decoding steps on CPUs: the same numbers from fewer passes over memory.

A step multiplies a few rows by every weight of the model. A CPU's kernel brings a weight into its
own layout first, at every call, which takes as long as the product: here that is done once. Weights
that multiply the same rows (queries, keys and values; gate and up) become one product. And heads
that share keys and values read them in place, where transformers copies them for each head.

On GPUs nothing is replaced.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention

_ATTENTION = "asft_decoding"
_SAME_ROWS = [("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj")]
_MOST_BYTES = 4e9  # of weights that are held twice


@contextmanager
def decoding_kernels(model: Any, rows: int) -> Iterator[None]:
    """Make `model` faster at decoding about `rows` rows at a time, until the block ends."""
    if model.device.type != "cpu":
        yield
        return
    before = model.config._attn_implementation
    replaced = _lay_out(model, rows)
    try:
        if before == "sdpa":
            _register()
            model.set_attn_implementation(_ATTENTION)
        yield
    finally:
        if before == "sdpa":
            model.set_attn_implementation(before)
        for module in replaced:
            del module.forward


def _lay_out(model: Any, rows: int) -> list[nn.Linear]:
    """Give every linear layer its weight in oneDNN's layout; returns the layers."""
    layers = [module for module in model.modules() if type(module) is nn.Linear]
    size = sum(layer.weight.nbytes for layer in layers)
    if model.dtype != torch.bfloat16 or size > _MOST_BYTES or not _is_exact(rows):
        return []
    joined = {
        layer: product
        for same in _given_the_same_rows(model)
        for product in [_Joined(same, rows)]
        for layer in same
    }
    for layer in layers:
        product = joined.get(layer) or _Joined([layer], rows)
        layer.forward = partial(product.part, layer)  # type: ignore[method-assign]
    return layers


def _given_the_same_rows(model: Any) -> Iterator[list[nn.Linear]]:
    for module in model.modules():
        for names in _SAME_ROWS:
            layers = [getattr(module, name, None) for name in names]
            linear_ones = [layer for layer in layers if type(layer) is nn.Linear]
            biased = {layer.bias is not None for layer in linear_ones}
            if len(linear_ones) == len(names) and len(biased) == 1:
                yield linear_ones


class _Joined:
    """Linear layers that are given the same rows, one after the other: one product for all."""

    def __init__(self, layers: list[nn.Linear], rows: int) -> None:
        weights: list[Tensor] = [layer.weight.detach() for layer in layers]
        self.weight = torch.ops.mkldnn._reorder_linear_weight(torch.cat(weights), rows)
        biases: list[Tensor] = [layer.bias for layer in layers if layer.bias is not None]
        self.bias = torch.cat(biases) if biases else None
        self.sizes = [layer.out_features for layer in layers]
        self.layers = layers
        self.given: Tensor | None = None
        self.parts: dict[nn.Linear, Tensor] = {}  # not asked for yet

    def part(self, layer: nn.Linear, x: Tensor) -> Tensor:
        """Return `layer(x)`."""
        if x is not self.given or layer not in self.parts:
            product = _multiply(x, packed=self.weight, bias=self.bias)
            parts = product.split_with_sizes(self.sizes, -1)
            self.given, self.parts = x, dict(zip(self.layers, parts, strict=True))
        found = self.parts.pop(layer)
        if not self.parts:
            self.given = None
        return found


def _multiply(x: Tensor, *, packed: Tensor, bias: Tensor | None) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, packed, bias, "none", [], "")
    return product


def _is_exact(rows: int) -> bool:
    """Whether this build of torch has the operations, and they give `linear`'s bits."""
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(96, 64, generator=generator).bfloat16()
    x = torch.randn(rows, 64, generator=generator).bfloat16()
    try:
        packed = torch.ops.mkldnn._reorder_linear_weight(weight, rows)
        return torch.equal(_multiply(x, packed=packed, bias=None), linear(x, weight))
    except (AttributeError, RuntimeError):
        return False


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Query (rows, heads, 1, dim) of one step; prompts go to transformers' own function."""
    rows, heads, tokens, dim = query.shape
    if tokens > 1:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        return sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **options
        )
    # Heads of one group stand as queries of its one head: they see the same keys.
    groups = key.shape[1]
    grouped = query.reshape(rows, groups, heads // groups, dim)
    found = scaled_dot_product_attention(
        grouped, key, value, attn_mask=attention_mask, scale=scaling
    )
    return found.reshape(rows, 1, heads, dim), None


def _register() -> None:
    # Models of our own (asft/models/plain.py) attend so by themselves.
    from transformers import AttentionInterface

    AttentionInterface.register(_ATTENTION, _attend)
