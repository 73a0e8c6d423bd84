"""Keys and values of the rows that are decoded together, written in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

Compute = Callable[[Tensor, "KeyValues", Tensor], Tensor]
# A prompt shorter than this share of its group's longest starts a new group.
_ALIKE = 0.8


class KeyValues:
    """Keys and values of every layer, (places, heads, slots, dim); a slot is a position in a row.

    Model layers take it for a cache of transformers.
    """

    def __init__(self, model: Any, places: int, slots: int) -> None:
        # Slots in use, by place.
        self.filled = torch.zeros(places, dtype=torch.long, device=model.device)
        self.slots, self._dtype = slots, model.dtype
        self.layers: dict[int, tuple[Tensor, Tensor]] = {}
        self._group: Tensor | None = None  # places of the prompts now being computed

    def prefill(self, model: Any, prompts: Sequence[list[int]], places: Sequence[int]) -> None:
        """Compute prompts, longest first, into `places`, over what was there."""
        lengths = [len(prompt) for prompt in prompts]
        at = torch.tensor(places, device=self.filled.device)
        for first, last in _groups(lengths):
            self._prefill_group(model, prompts[first:last], at[first:last])
        self.filled[at] = torch.tensor(lengths, device=at.device)

    def _prefill_group(self, model: Any, prompts: Sequence[list[int]], places: Tensor) -> None:
        """Compute prompts side by side, padded behind, where causal attention never looks."""
        width = max(map(len, prompts))
        ids = torch.tensor([p + [0] * (width - len(p)) for p in prompts], device=places.device)
        self._group = places
        model.base_model(
            input_ids=ids,
            attention_mask=_causal(width, model),
            position_ids=torch.arange(width, device=ids.device)[None],
            past_key_values=self,
            use_cache=True,
        )
        self._group = None

    def step(self, compute: Compute, tokens: Tensor) -> Tensor:
        """Compute the logits, (places, vocabulary), of the token that follows `tokens`.

        `compute` is given them, this, and an additive mask, (places, 1, 1, slots in use).
        """
        self._width = int(self.filled.max()) + 1
        self._places = torch.arange(len(tokens), device=tokens.device)  # once, not in every layer
        self._rows: Tensor | None = None
        unseen = torch.arange(self._width, device=tokens.device) > self.filled[:, None]
        mask = torch.zeros(unseen.shape, dtype=self._dtype, device=tokens.device)
        mask.masked_fill_(unseen, torch.finfo(self._dtype).min)
        logits = compute(tokens, self, mask[:, None, None])
        self.filled += 1
        return logits

    def append(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Store a step's keys and values, (places, heads, dim); return all that may be seen."""
        keys, values = self._of(layer, key, value)
        heads, dim = key.shape[1:]
        if self._rows is None:  # of all slots below one another: one copy of rows is fastest
            first = (self._places[:, None] * heads + torch.arange(heads)) * self.slots
            self._rows = (first + self.filled[:, None]).flatten()
        for kept, new in ((keys, key), (values, value)):
            kept.view(-1, dim).index_copy_(0, self._rows, new.reshape(-1, dim))
        return keys[:, :, : self._width], values[:, :, : self._width]

    def update(
        self, key: Tensor, value: Tensor, layer: int, *unused: Any, **also_unused: Any
    ) -> tuple[Tensor, Tensor]:
        """Store a layer's new keys and values; return all that may be seen. Layers call it."""
        keys, values = self._of(layer, key, value)
        if self._group is not None:
            keys[self._group, :, : key.shape[2]] = key
            values[self._group, :, : value.shape[2]] = value
            return key, value
        keys[self._places, :, self.filled] = key[:, :, 0]
        values[self._places, :, self.filled] = value[:, :, 0]
        return keys[:, :, : self._width], values[:, :, : self._width]

    def _of(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        if layer not in self.layers:
            shape = (len(self.filled), key.shape[1], self.slots, key.shape[-1])
            self.layers[layer] = (key.new_zeros(shape), value.new_zeros(shape))
        return self.layers[layer]

    def empty(self, places: Sequence[int]) -> None:
        """Mark places as free; a step still computes them, with a single key each."""
        self.filled[torch.tensor(places, device=self.filled.device)] = 0

    def keep(self, places: Tensor) -> None:
        """Drop all places but these."""
        self.filled = self.filled[places]
        for layer, (keys, values) in self.layers.items():
            self.layers[layer] = (keys[places], values[places])

    def get_seq_length(self, layer: int = 0) -> int:
        """Return 0: a model that is given positions, as always here, does not need the length."""
        return 0


def _groups(lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last row of the groups that are computed together; lengths fall."""
    first = 0
    for place in range(1, len(lengths) + 1):
        if place == len(lengths) or lengths[place] < _ALIKE * lengths[first]:
            if lengths[first]:
                yield first, place
            first = place


def _causal(width: int, model: Any) -> Tensor:
    mask = torch.full((width, width), torch.finfo(model.dtype).min, dtype=model.dtype)
    return mask.triu_(1)[None, None].to(model.device)
