"""Log-probabilities of several endings of a prompt, in one pass behind keys that prompts share."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

_KEPT = 6  # beginnings: the templates of a benchmark, and the question at hand
_LONGEST = 2048  # tokens of one pass, whose mask grows with them and with all before them
# Rotations that depend on how long a text is: what is computed before it is known would differ.
_BY_LENGTH = ("dynamic", "longrope")
Keys = Any  # a cache of the model's own kind


class SharedKeys:
    """Keys and values of the beginnings of prompts, of which the last few are kept."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._kept: OrderedDict[tuple[int, ...], Keys] = OrderedDict()
        self._whole = any(kind in repr(_rotation(model)) for kind in _BY_LENGTH)

    def logps(
        self, prompt: list[int], endings: Sequence[Sequence[int]], cuts: Sequence[int] = ()
    ) -> list[Tensor]:
        """Return the log-probability of each ending behind the prompt; none sees another.

        Args:
            prompt: its pieces up to the last of `cuts` are computed once for all prompts that
                begin with them.
        """
        keys, begun = self._before(prompt, () if self._whole else cuts)
        while len(prompt) - begun > _LONGEST and not self._whole:
            keys = self._added(prompt[begun : begun + _LONGEST], begun, keys)
            begun += _LONGEST
        # Each is computed once, whichever endings begin with it; last tokens predict nothing.
        starts = sorted({tuple(e[:n]) for e in endings for n in range(1, len(e))})
        sees = [[start[: len(other)] == other for other in starts] for start in starts]
        logits = self._model(
            self._ids([*prompt[begun:], *(start[-1] for start in starts)]),
            past_key_values=keys,
            attention_mask=self._mask(begun, len(prompt) - begun, sees),
            position_ids=self._ids(
                [*range(begun, len(prompt)), *(len(prompt) + len(start) - 1 for start in starts)]
            ),
            use_cache=bool(begun),
            logits_to_keep=1 + len(starts),
        ).logits
        after = dict(zip([(), *starts], logits[0].float().log_softmax(-1), strict=True))
        return [
            torch.stack([after[tuple(e[:n])][token] for n, token in enumerate(e)]).sum()
            for e in endings
        ]

    def _before(self, prompt: Sequence[int], cuts: Sequence[int]) -> tuple[Keys, int]:
        """A copy of the keys and values up to the last cut, and where that is."""
        keys, begun = None, 0
        for cut in cuts:
            beginning = tuple(prompt[:cut])
            if beginning not in self._kept:
                self._kept[beginning] = self._added(beginning[begun:], begun, copy.deepcopy(keys))
            self._kept.move_to_end(beginning)
            keys, begun = self._kept[beginning], cut
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return copy.deepcopy(keys), begun

    def _added(self, tokens: Sequence[int], begun: int, keys: Keys) -> Keys:
        """Keys and values with those of the next tokens."""
        return self._model.base_model(
            self._ids(tokens),
            past_key_values=keys,
            attention_mask=self._mask(begun, len(tokens), []) if begun else None,
            position_ids=self._ids(range(begun, begun + len(tokens))),
            use_cache=True,
        ).past_key_values

    def _ids(self, numbers: Sequence[int]) -> Tensor:
        return torch.tensor([list(numbers)], device=self._model.device)

    def _mask(self, begun: int, new: int, sees: list[list[bool]]) -> Tensor:
        """Who sees whom, additive: (1, 1, new + endings, begun + new + endings)."""
        total = new + len(sees)
        seen = torch.ones(total, begun + total, dtype=torch.bool).tril_(begun)
        if sees:
            seen[new:, begun + new :] = torch.tensor(sees)
        hidden = torch.finfo(self._model.dtype).min
        mask = torch.zeros(seen.shape, dtype=self._model.dtype).masked_fill_(~seen, hidden)
        return mask[None, None].to(self._model.device)


def _rotation(model: Any) -> Any:
    config = model.config.get_text_config()
    return getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None)
