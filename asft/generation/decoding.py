"""Autoregressive decoding: prompts of any length, greedy and sampled rows side by side.

Faster than `model.generate` in five ways: prompts are computed in groups of similar length, keys
and values are written in place instead of copied at every step, the place of a row that has ended
goes to the next one instead of being computed until the last one ends, when none is left the batch
shrinks, and on CPUs a step goes past the model's modules (cpu_step.py).

Random numbers belong to a row, not to the batch: its answer does not depend on its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from asft.generation.cpu_step import CpuStep, knows
from asft.generation.kv_cache import Compute, KeyValues

# Architectures that the tests hold to `model.generate`; others go through it.
SUPPORTED = ("llama", "qwen2", "qwen3", "mistral")
# Share of free places at which they are given to the next rows: each time costs about a step.
_REFILLED = 0.125
# The same where no row waits, and the others move together: that, too, costs about a step.
_RETIRED = 0.25


class Row(NamedTuple):
    """A prompt to continue: greedy if `temperature` is None, else drawn by `uniforms` in [0, 1)."""

    prompt: list[int]
    temperature: float | None
    uniforms: Tensor


def supports(model: Any) -> bool:
    """Return whether `decode` knows the model's cache: full attention in every layer."""
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
    batch_size: int | None = None,
    ended: Callable[[int], object] = lambda rows: None,
) -> list[list[int]]:
    """Decode each row's new tokens, up to and with its first end token, at most `max_new_tokens`.

    `batch_size` of them are computed at a time, those with the longest prompts first; None: all.
    `ended` is told how many rows ended, for a progress bar.
    """
    places = min(batch_size or len(rows), len(rows))
    slots = max(len(row.prompt) for row in rows) - 1 + max_new_tokens
    compute = CpuStep(model, places) if knows(model) else _by_model(model)
    batch = _Batch(model, rows, KeyValues(model, places, slots))
    while batch.fill():
        batch.step(compute, top_k, top_p)
        ended(batch.take(max_new_tokens, end_tokens))
    return batch.found


def _by_model(model: Any) -> Compute:
    def compute(tokens: Tensor, cache: KeyValues, mask: Tensor) -> Tensor:
        logits: Tensor = model(
            input_ids=tokens[:, None],
            attention_mask=mask,
            position_ids=cache.filled[:, None],
            past_key_values=cache,
            use_cache=True,
        ).logits
        return logits[:, -1]

    return compute


class _Batch:
    """Which row stands in which place, and what has been found so far."""

    def __init__(self, model: Any, rows: Sequence[Row], cache: KeyValues) -> None:
        self.model, self.rows, self.cache = model, rows, cache
        self.waiting = sorted(range(len(rows)), key=lambda i: -len(rows[i].prompt))
        self.found: list[list[int]] = [[] for _ in rows]
        self.at: list[int | None] = [None] * len(cache.filled)  # row by place
        self.tokens = torch.zeros(len(self.at), dtype=torch.long, device=model.device)

    def fill(self) -> bool:
        """Give free places to waiting rows, or drop them; whether anything is left to do."""
        free = [place for place, row in enumerate(self.at) if row is None]
        if self.waiting and len(free) >= _REFILLED * len(self.at):
            self._start(free[: len(self.waiting)])
        elif not self.waiting and len(free) >= _RETIRED * len(self.at):
            going = [place for place, row in enumerate(self.at) if row is not None]
            kept = torch.tensor(going, dtype=torch.long, device=self.tokens.device)
            self.cache.keep(kept)
            self.tokens, self.at = self.tokens[kept], [self.at[place] for place in going]
        return bool(self.at)

    def _start(self, places: list[int]) -> None:
        new, self.waiting = self.waiting[: len(places)], self.waiting[len(places) :]
        prompts = [self.rows[i].prompt for i in new]
        self.cache.prefill(self.model, [prompt[:-1] for prompt in prompts], places)
        last = torch.tensor([prompt[-1] for prompt in prompts], device=self.tokens.device)
        self.tokens[torch.tensor(places, device=last.device)] = last
        for place, number in zip(places, new, strict=True):
            self.at[place] = number

    def step(self, compute: Compute, top_k: int, top_p: float) -> None:
        """The next token of every place, whether a row stands there or not."""
        logits = self.cache.step(compute, self.tokens)
        rows = [None if i is None else self.rows[i] for i in self.at]
        numbers = [0 if i is None else len(self.found[i]) for i in self.at]
        self.tokens = _choose(logits, rows, numbers, top_k, top_p)

    def take(self, max_new_tokens: int, end_tokens: set[int]) -> int:
        """Keep the tokens; rows that end leave their place. Returns how many do."""
        ended = []
        for place, token in enumerate(self.tokens.tolist()):
            number = self.at[place]
            if number is not None:
                self.found[number].append(token)
                if token in end_tokens or len(self.found[number]) == max_new_tokens:
                    self.at[place] = None
                    ended.append(place)
        if ended:
            self.cache.empty(ended)
        return len(ended)


def _choose(
    logits: Tensor, rows: Sequence[Row | None], numbers: Sequence[int], top_k: int, top_p: float
) -> Tensor:
    """Next tokens: the likeliest, or drawn after temperature, top-k and top-p, in that order.

    `numbers` are those of the tokens in their rows. A place without a row gets some token.
    """
    tokens = logits.max(-1).indices  # the first of equal ones, in half of the time of argmax
    sampled = {
        place: (row.temperature, row.uniforms[numbers[place]])
        for place, row in enumerate(rows)
        if row is not None and row.temperature is not None
    }
    if not sampled:
        return tokens
    at = torch.tensor(list(sampled), device=logits.device)
    heat = torch.tensor([heat for heat, _ in sampled.values()], device=logits.device)
    logits = logits[at]
    scores = logits.float() / heat[:, None]
    # Of bf16 no two differ so little that the division makes them equal.
    order = _falling(logits if logits.dtype == torch.bfloat16 else scores)
    scores = scores.gather(-1, order)
    if top_k:
        scores[:, top_k:] = -torch.inf
    chances = scores.softmax(-1)
    if top_p < 1:
        # A token stays if those before it do not reach top_p yet; the first always does.
        before = chances.cumsum(-1) - chances
        chances = chances.masked_fill(before >= top_p, 0)
    total = chances.double().cumsum(-1)
    draws = torch.stack([draw for _, draw in sampled.values()]).to(total)
    picked = torch.searchsorted(total, draws[:, None] * total[:, -1:], right=True)
    tokens[at] = order.gather(-1, picked.clamp(max=order.shape[-1] - 1))[:, 0]
    return tokens


def _falling(logits: Tensor) -> Tensor:
    """The order of each row from its largest; equal ones as they stand."""
    if logits.dtype != torch.bfloat16 or logits.device.type != "cpu":
        return logits.argsort(descending=True, stable=True)
    # Whole numbers of 16 bits have another sort, five times as fast. Zero has two signs.
    bits = (logits + 0).view(torch.int16)
    rising = bits ^ ((bits >> 15) & 0x7FFF)
    return torch.from_numpy(np.argsort((~rising).numpy(), axis=-1, kind="stable"))
