"""Autoregressive decoding of a batch: prompts of any length, greedy and sampled rows side by side.

Faster than `model.generate` in four ways: prompts are computed in groups of similar length, keys
and values are written in place instead of copied at every step, rows that have ended are retired
instead of being computed until the last one ends, and on CPUs a step has kernels of its own
(decoding_kernels.py).

Random numbers belong to a row, not to the batch: its answer does not depend on its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from asft.decoding_kernels import decoding_kernels

# Architectures whose tests are in tests/unit/test_decoding.py. Others go through `model.generate`.
SUPPORTED = ("llama", "qwen2", "qwen3", "mistral")
# A prompt shorter than this share of its group's longest starts a new group.
_ALIKE = 0.8
# Rows are retired when so many have ended: moving the others costs about one step.
_RETIRED = 0.25


class Row(NamedTuple):
    """One prompt; `temperature` None: greedy, else `uniforms` has a number in [0, 1) a token."""

    prompt: list[int]
    temperature: float | None
    uniforms: Tensor


def supports(model: Any) -> bool:
    """Whether `decode` knows the model's cache: full attention in every layer."""
    config = model.config
    windowed = getattr(config, "sliding_window", None) is not None
    layers = getattr(config, "layer_types", None)
    full = set(layers) == {"full_attention"} if layers else not windowed
    return config.model_type in SUPPORTED and full


@torch.inference_mode()
def decode(
    model: Any,
    rows: Sequence[Row],
    *,
    top_k: int,
    top_p: float,
    max_new_tokens: int,
    end_tokens: set[int],
) -> list[list[int]]:
    """The new tokens of every row, up to and with its first end token, at most `max_new_tokens`."""
    with decoding_kernels(model, len(rows)):
        return _decode(model, rows, top_k, top_p, max_new_tokens, end_tokens)


def _decode(
    model: Any,
    rows: Sequence[Row],
    top_k: int,
    top_p: float,
    max_new_tokens: int,
    end_tokens: set[int],
) -> list[list[int]]:
    numbers = sorted(range(len(rows)), key=lambda i: -len(rows[i].prompt))
    found: list[list[int]] = [[] for _ in rows]
    lengths = [len(rows[i].prompt) - 1 for i in numbers]
    cache = _KeyValues(lengths, max_new_tokens, model.device)
    for first, last in _groups(lengths):
        cache.prefill(model, [rows[i].prompt[:-1] for i in numbers[first:last]], first)
    tokens = torch.tensor([rows[i].prompt[-1] for i in numbers], device=model.device)
    for step in range(max_new_tokens):
        logits = cache.step(model, tokens)
        tokens = _choose(logits, [rows[i] for i in numbers], step, top_k, top_p)
        going = []
        for place, (number, token) in enumerate(zip(numbers, tokens.tolist(), strict=True)):
            if not found[number] or found[number][-1] not in end_tokens:
                found[number].append(token)
                going += [] if token in end_tokens else [place]
        if not going:
            break
        if len(going) <= (1 - _RETIRED) * len(numbers):
            kept = torch.tensor(going, device=model.device)
            cache.keep(kept)
            tokens, numbers = tokens[kept], [numbers[place] for place in going]
    return found


def _groups(lengths: list[int]) -> Iterator[tuple[int, int]]:
    """First and last row of the groups that are computed together; lengths fall."""
    first = 0
    for place in range(1, len(lengths) + 1):
        if place == len(lengths) or lengths[place] < _ALIKE * lengths[first]:
            if lengths[first]:
                yield first, place
            first = place


class _KeyValues:
    """Keys and values of every layer, (rows, heads, slots, dim); slot = position in the row."""

    def __init__(self, lengths: list[int], more: int, device: torch.device) -> None:
        self.filled = torch.tensor(lengths, device=device)  # slots in use, by row
        self.slots = max(lengths) + more
        self.layers: dict[int, tuple[Tensor, Tensor]] = {}
        self._group: slice | None = None  # rows of the prompts now being computed

    def prefill(self, model: Any, prompts: list[list[int]], first: int) -> None:
        """Compute prompts side by side, padded behind, where causal attention never looks."""
        width = max(map(len, prompts))
        ids = torch.tensor([p + [0] * (width - len(p)) for p in prompts], device=model.device)
        self._group = slice(first, first + len(prompts))
        mask = _causal(width, model)
        positions = torch.arange(width, device=ids.device)[None]
        model.base_model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=self,
            use_cache=True,
        )
        self._group = None

    def step(self, model: Any, tokens: Tensor) -> Tensor:
        """Logits, (rows, vocabulary), of the token after these."""
        self._width = int(self.filled.max()) + 1
        self._rows = torch.arange(len(tokens), device=tokens.device)  # once, not in every layer
        unseen = torch.arange(self._width, device=tokens.device) > self.filled[:, None]
        mask = torch.zeros(unseen.shape, dtype=model.dtype, device=tokens.device)
        mask.masked_fill_(unseen, torch.finfo(model.dtype).min)
        logits: Tensor = model(
            input_ids=tokens[:, None],
            attention_mask=mask[:, None, None],
            position_ids=self.filled[:, None],
            past_key_values=self,
            use_cache=True,
        ).logits[:, -1]
        self.filled += 1
        return logits

    def update(
        self, key: Tensor, value: Tensor, layer: int, *unused: Any, **also_unused: Any
    ) -> tuple[Tensor, Tensor]:
        """What attention layers call: keep what is new, return all that may be seen."""
        if layer not in self.layers:
            shape = (len(self.filled), key.shape[1], self.slots, key.shape[3])
            self.layers[layer] = (key.new_zeros(shape), value.new_zeros(shape))
        keys, values = self.layers[layer]
        if self._group is not None:
            keys[self._group, :, : key.shape[2]] = key
            values[self._group, :, : value.shape[2]] = value
            return key, value
        keys[self._rows, :, self.filled] = key[:, :, 0]
        values[self._rows, :, self.filled] = value[:, :, 0]
        return keys[:, :, : self._width], values[:, :, : self._width]

    def keep(self, rows: Tensor) -> None:
        """Drop all rows but these."""
        self.filled = self.filled[rows]
        for layer, (keys, values) in self.layers.items():
            self.layers[layer] = (keys[rows], values[rows])

    def get_seq_length(self, layer: int = 0) -> int:
        """Asked for by models that were given no positions; ours always are."""
        return 0


def _causal(width: int, model: Any) -> Tensor:
    mask = torch.full((width, width), torch.finfo(model.dtype).min, dtype=model.dtype)
    return mask.triu_(1)[None, None].to(model.device)


def _choose(logits: Tensor, rows: Sequence[Row], step: int, top_k: int, top_p: float) -> Tensor:
    """Next tokens: the likeliest, or drawn after temperature, top-k and top-p, in that order."""
    tokens = logits.argmax(-1)
    sampled = [place for place, row in enumerate(rows) if row.temperature is not None]
    if not sampled:
        return tokens
    at = torch.tensor(sampled, device=logits.device)
    heat = torch.tensor([rows[place].temperature for place in sampled], device=logits.device)
    scores, order = (logits[at].float() / heat[:, None]).sort(descending=True, stable=True)
    if top_k:
        scores[:, top_k:] = -torch.inf
    chances = scores.softmax(-1)
    if top_p < 1:
        # A token stays if those before it do not reach top_p yet; the first always does.
        before = chances.cumsum(-1) - chances
        chances = chances.masked_fill(before >= top_p, 0)
    total = chances.double().cumsum(-1)
    draws = torch.stack([rows[place].uniforms[step] for place in sampled]).to(total)
    picked = torch.searchsorted(total, draws[:, None] * total[:, -1:], right=True)
    tokens[at] = order.gather(-1, picked.clamp(max=order.shape[-1] - 1))[:, 0]
    return tokens
