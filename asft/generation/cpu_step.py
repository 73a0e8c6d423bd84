"""A step of decoding on a CPU: what the model's layers compute, in fewer passes over memory.

A step multiplies a few rows by every weight, and all else about it is small, so that calls
themselves count: here are no modules, and a layer is some thirty operations. A CPU's kernel brings
a weight into its own layout first, at every call, which takes as long as the product: here that is
done once. Weights that multiply the same rows (queries, keys and values; gate and up) are one
product. Heads that share keys and values read them in place.

Every operation is one of the model's own layers, so the bits are theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, linear, scaled_dot_product_attention, silu

_MOST_BYTES = 4e9  # of weights that are held twice
_Product = Callable[[Tensor], Tensor]


class _Norm(NamedTuple):
    weight: Tensor
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        wide = x.float()
        scale = wide.square().mean(-1, keepdim=True).add_(self.eps).rsqrt_()
        return (wide * scale).to(x.dtype).mul_(self.weight)


class _Layer(NamedTuple):
    before: _Norm
    qkv: _Product
    heads: tuple[_Norm, _Norm] | None  # of queries and keys
    out: _Product
    between: _Norm
    gate_up: _Product
    down: _Product


def knows(model: Any) -> bool:
    """Whether `CpuStep` computes what `model`, one that `decode` supports, does by itself."""
    named = model.named_modules()
    weights = [m for name, m in named if name.endswith(("_proj", "lm_head"))]
    plain = all(type(module) is nn.Linear for module in weights)  # neither quantised nor adapted
    return model.device.type == "cpu" and model.config.hidden_act == "silu" and plain


class CpuStep:
    """One token more in every place, by a model of Llama's kind; about `rows` places."""

    def __init__(self, model: Any, rows: int) -> None:
        decoder, config = model.get_decoder(), model.config
        self._pack = rows if _can_pack(model, rows) else None
        self._heads, self._groups = config.num_attention_heads, config.num_key_value_heads
        self._words, self._rotary = decoder.embed_tokens.weight, decoder.rotary_emb
        self._layers = [self._laid_out(layer) for layer in decoder.layers]
        self._norm, self._head = _norm(decoder.norm), self._product(model.lm_head)

    def __call__(self, tokens: Tensor, cache: Any, mask: Tensor) -> Tensor:
        """Compute logits, (places, vocabulary).

        Args:
            cache: keys and values, which those of `tokens` are added to
            mask: additive, (places, 1, 1, slots)
        """
        x = embedding(tokens, self._words)
        cos, sin = (a.view(len(x), 1, -1) for a in self._rotary(x, cache.filled[:, None]))
        first, second = sin.chunk(2, dim=-1)
        turn = (cos, torch.cat((-first, second), dim=-1))
        for number, layer in enumerate(self._layers):
            q, k, v = self._queries(layer, layer.before(x), turn)
            keys, values = cache.append(number, k, v)
            # Heads of one group stand as queries of its one head: they see the same keys.
            q = q.view(len(x), self._groups, -1, q.shape[-1])
            seen = scaled_dot_product_attention(
                q, keys, values, attn_mask=mask, scale=q.shape[-1] ** -0.5
            )
            x = x + layer.out(seen.reshape(len(x), -1))
            gate, up = layer.gate_up(layer.between(x)).chunk(2, dim=-1)
            x = x + layer.down(silu(gate).mul_(up))
        return self._head(self._norm(x))

    def _queries(self, layer: _Layer, x: Tensor, turn: tuple[Tensor, Tensor]) -> Sequence[Tensor]:
        """Queries, keys and values, (places, heads, dim); the first two turned by position."""
        cos, sin = turn
        dim, both = cos.shape[-1], self._heads + self._groups
        qk, v = layer.qkv(x).view(len(x), -1, dim).tensor_split((both,), dim=1)
        if layer.heads:
            parts = zip(layer.heads, qk.tensor_split((self._heads,), dim=1), strict=True)
            qk = torch.cat([norm(part) for norm, part in parts], dim=1)
        first, second = qk.chunk(2, dim=-1)
        qk = (qk * cos).add_(torch.cat((second, first), dim=-1).mul_(sin))
        return *qk.tensor_split((self._heads,), dim=1), v

    def _laid_out(self, layer: Any) -> _Layer:
        attention, mlp = layer.self_attn, layer.mlp
        normed = isinstance(getattr(attention, "q_norm", nn.Identity()), nn.Identity)
        return _Layer(
            before=_norm(layer.input_layernorm),
            qkv=self._product(attention.q_proj, attention.k_proj, attention.v_proj),
            heads=None if normed else (_norm(attention.q_norm), _norm(attention.k_norm)),
            out=self._product(attention.o_proj),
            between=_norm(layer.post_attention_layernorm),
            gate_up=self._product(mlp.gate_proj, mlp.up_proj),
            down=self._product(mlp.down_proj),
        )

    def _product(self, *layers: nn.Linear) -> _Product:
        """Return the layers' outputs of the same rows, side by side, as one function."""
        if self._pack is None:
            parts = [(layer.weight, layer.bias) for layer in layers]
            if len(parts) == 1:
                return lambda x: linear(x, *parts[0])
            return lambda x: torch.cat([linear(x, *part) for part in parts], dim=-1)
        # All of them have a bias or none has, in all architectures that are decoded here.
        biases: list[Tensor] = [layer.bias for layer in layers if layer.bias is not None]
        bias = torch.cat(biases) if biases else None
        weights: list[Tensor] = [layer.weight for layer in layers]
        packed = _packed(torch.cat(weights), self._pack)
        return lambda x: _multiply(x, packed, bias)


def _norm(module: Any) -> _Norm:
    return _Norm(module.weight, module.variance_epsilon)


def _packed(weight: Tensor, rows: int) -> Any:
    """The weight in oneDNN's layout."""
    return torch.ops.mkldnn._reorder_linear_weight(weight, rows)


def _multiply(x: Tensor, packed: Any, bias: Tensor | None) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, packed, bias, "none", [], "")
    return product


def _can_pack(model: Any, rows: int) -> bool:
    """Whether there is room, and this build of torch has the operations and `linear`'s bits."""
    size = sum(layer.weight.nbytes for layer in model.modules() if type(layer) is nn.Linear)
    if model.dtype != torch.bfloat16 or size > _MOST_BYTES:
        return False
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(96, 64, generator=generator).bfloat16()
    x = torch.randn(rows, 64, generator=generator).bfloat16()
    try:
        return torch.equal(_multiply(x, _packed(weight, rows), None), linear(x, weight))
    except (AttributeError, RuntimeError):
        return False
