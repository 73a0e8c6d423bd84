"""The layers of Llama and its like in plain torch: embeddings, attention, MLP, norm, rotation.

Operation by operation as in transformers, on a CPU with `sdpa` attention, so that the bits are the
same.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention, silu

# What a model of the kind has of: bias of q, k and v, of o, of the MLP; norm of queries and keys.
# A text names the key of config.json that says so.
KINDS: dict[str, tuple[Any, Any, Any, bool]] = {
    "llama": ("attention_bias", "attention_bias", "mlp_bias", False),
    "mistral": (False, False, False, False),
    "qwen2": (True, False, False, False),
    "qwen3": ("attention_bias", "attention_bias", False, True),
}


class Decoder(nn.Module):
    """A model without its head; names and calls as of one of transformers."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        # Not drawn first: normal numbers on `meta` bring in torch._dynamo, half a second.
        words = torch.empty(config.vocab_size, config.hidden_size)
        self.embed_tokens = nn.Embedding.from_pretrained(words)  # type: ignore[no-untyped-call]
        self.layers = nn.ModuleList(_Layer(config, n) for n in range(config.num_hidden_layers))
        self.norm = _RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.rotary_emb = _Rotary()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Any = None,
        use_cache: bool = False,
    ) -> SimpleNamespace:
        """Compute the last hidden states; a mask is additive, (1 or rows, 1, queries, keys)."""
        if use_cache and past_key_values is None:
            past_key_values = _Grown()
        if position_ids is None:
            before = past_key_values.get_seq_length() if past_key_values is not None else 0
            position_ids = torch.arange(before, before + input_ids.shape[1])[None]
        x = self.embed_tokens(input_ids)
        angles = self.rotary_emb(x, position_ids)
        for layer in self.layers:
            x = layer(x, angles, attention_mask, past_key_values)
        return SimpleNamespace(last_hidden_state=self.norm(x), past_key_values=past_key_values)


class _Layer(nn.Module):
    def __init__(self, config: Any, number: int) -> None:
        super().__init__()
        self.self_attn = _Attention(config, number)
        self.mlp = _MLP(config)
        self.input_layernorm = _RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.post_attention_layernorm = _RMSNorm(config.hidden_size, config.rms_norm_eps)

    def forward(self, x: Tensor, angles: Any, mask: Tensor | None, past: Any) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), angles, mask, past)
        added: Tensor = self.mlp(self.post_attention_layernorm(x))
        return x + added


class _Attention(nn.Module):
    def __init__(self, config: Any, number: int) -> None:
        super().__init__()
        heads, groups, size = (
            config.num_attention_heads,
            config.num_key_value_heads,
            config.head_dim,
        )
        bias, out_bias, _, normed = _parts_of(config)
        self.number, self.groups, self.size = number, heads // groups, size
        self.q_proj = nn.Linear(config.hidden_size, heads * size, bias=bias)
        self.k_proj = nn.Linear(config.hidden_size, groups * size, bias=bias)
        self.v_proj = nn.Linear(config.hidden_size, groups * size, bias=bias)
        self.o_proj = nn.Linear(heads * size, config.hidden_size, bias=out_bias)
        self.q_norm, self.k_norm = (
            _RMSNorm(size, config.rms_norm_eps) if normed else nn.Identity() for _ in range(2)
        )

    def forward(self, x: Tensor, angles: Any, mask: Tensor | None, past: Any) -> Tensor:
        shape = (*x.shape[:-1], -1, self.size)
        q = self.q_norm(self.q_proj(x).view(shape)).transpose(1, 2)
        k = self.k_norm(self.k_proj(x).view(shape)).transpose(1, 2)
        v = self.v_proj(x).view(shape).transpose(1, 2)
        cos, sin = angles
        q, k = ((one * cos) + (_half_turned(one) * sin) for one in (q, k))
        if past is not None:
            k, v = past.update(k, v, self.number)
        found = self._attend(q, k, v, mask).transpose(1, 2).contiguous()
        out: Tensor = self.o_proj(found.reshape(*x.shape[:-1], -1).contiguous())
        return out

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        scale = self.size**-0.5
        if mask is None:
            causal = q.shape[2] > 1
            return scaled_dot_product_attention(
                q, k, v, scale=scale, is_causal=causal, enable_gqa=self.groups > 1
            )
        k, v = (_repeated(one, self.groups) for one in (k, v))
        return scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)


class _MLP(nn.Module):
    def __init__(self, config: Any) -> None:
        super().__init__()
        bias = _parts_of(config)[2]
        sizes = (config.hidden_size, config.intermediate_size)
        self.gate_proj = nn.Linear(*sizes, bias=bias)
        self.up_proj = nn.Linear(*sizes, bias=bias)
        self.down_proj = nn.Linear(*sizes[::-1], bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.down_proj(silu(self.gate_proj(x)) * self.up_proj(x))
        return out


class _RMSNorm(nn.Module):
    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight, self.variance_epsilon = nn.Parameter(torch.ones(size)), eps

    def forward(self, x: Tensor) -> Tensor:
        wide = x.to(torch.float32)
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.variance_epsilon)
        return self.weight * wide.to(x.dtype)


class _Rotary(nn.Module):
    frequencies: Tensor

    def set(self, config: Any) -> None:
        """Compute the frequencies, which no file holds."""
        size, base = config.head_dim, config.rope_parameters["rope_theta"]
        self.frequencies = 1.0 / (base ** (torch.arange(0, size, 2, dtype=torch.float) / size))

    def forward(self, x: Tensor, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        angles = position_ids[..., None].float() * self.frequencies
        angles = torch.cat((angles, angles), dim=-1)[:, None]
        return angles.cos().to(x.dtype), angles.sin().to(x.dtype)


class _Grown:
    """Keys and values of one call, which the next is given; the first stay as they were."""

    def __init__(self) -> None:
        self.layers: dict[int, tuple[Tensor, Tensor]] = {}

    def update(self, key: Tensor, value: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        if layer in self.layers:
            both = zip(self.layers[layer], (key, value), strict=True)
            key, value = (torch.cat(pair, dim=2) for pair in both)
        self.layers[layer] = (key, value)
        return key, value

    def get_seq_length(self) -> int:
        return self.layers[0][0].shape[2] if self.layers else 0


def _parts_of(config: Any) -> list[bool]:
    parts = KINDS[config.model_type]
    return [bool(getattr(config, part) if isinstance(part, str) else part) for part in parts]


def _half_turned(x: Tensor) -> Tensor:
    first, second = x[..., : x.shape[-1] // 2], x[..., x.shape[-1] // 2 :]
    return torch.cat((-second, first), dim=-1)


def _repeated(x: Tensor, times: int) -> Tensor:
    if times == 1:
        return x
    rows, heads, tokens, size = x.shape
    x = x[:, :, None].expand(rows, heads, times, tokens, size)
    return x.reshape(rows, heads * times, tokens, size)
