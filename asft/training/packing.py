"""Pairs packed into rows: the prompt of a pair is computed once and nothing is padded.

One pair is the sequence [prompt | chosen | rejected]. The rejected completion's positions restart
after the prompt and its tokens do not see the chosen ones, so the model computes what it would for
the two separate sequences. Several pairs stand behind one another in a row of at most
`token_budget` tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from typing import TypedDict, overload

import numpy as np
import torch
from torch import Tensor

from asft.data import TokenPair

# Rows are as long as a multiple of this: a CPU's bf16 products are an eighth faster forwards.
MULTIPLE = 4
# Where a pair lies in its row: offset of its first token, then the lengths of prompt, chosen and
# rejected. A plain tuple: the Trainer rebuilds nested containers from iterators, which named
# tuples do not allow.
Span = tuple[int, int, int, int]


class PackedRow(TypedDict):
    """One row of pairs: T tokens, N of them scored."""

    ids: list[str]
    tokens: int  # of the pairs; T less what fills the row up
    spans: list[Span]  # what fills the row up is in the last one
    input_ids: Tensor  # (1, T)
    position_ids: Tensor  # (1, T)
    scored: Tensor  # (N,) positions whose next-token distribution is needed
    targets: Tensor  # (N,) the token that follows each of them
    segments: Tensor  # (N,) pair index + number of pairs × (0 chosen, 1 rejected, 2 prompt)
    numbers: Tensor  # (4, pairs) what the data say of each, in the order of `PairNumbers`


def pack(
    pairs: Sequence[TokenPair],
    token_budget: int,
    *,
    paired: bool = True,
    with_prompt: bool = False,
) -> list[PackedRow]:
    """Pack pairs into rows in order, a new row when the next pair would exceed the budget.

    A pair longer than the budget gets a row of its own. With `paired=False` rejected completions
    are left out; with `with_prompt=True` the prompt's own tokens are scored too.
    """
    groups = _grouped([_size(pair, paired) for pair in pairs], range(len(pairs)), token_budget)
    return [_pack_row([pairs[i] for i in group], paired, with_prompt) for group in groups]


def _size(pair: TokenPair, paired: bool = True) -> int:
    return len(pair.prompt) + len(pair.chosen) + (len(pair.rejected) if paired else 0)


def _grouped(sizes: Sequence[int], order: Iterable[int], token_budget: int) -> list[list[int]]:
    """The places of the pairs of each row."""
    rows: list[list[int]] = []
    room = 0
    for place in order:
        if not rows or sizes[place] > room:
            rows.append([])
            room = token_budget // MULTIPLE * MULTIPLE  # what fills a row up is within the budget
        rows[-1].append(place)
        room -= sizes[place]
    return rows


def _pack_row(pairs: Sequence[TokenPair], paired: bool, with_prompt: bool) -> PackedRow:
    ids: list[np.ndarray] = []
    positions: list[np.ndarray] = []
    scored: list[np.ndarray] = []
    targets: list[np.ndarray] = []
    segments: list[np.ndarray] = []
    spans: list[Span] = []
    start = 0
    for number, pair in enumerate(pairs):
        prompt, chosen = pair.prompt, pair.chosen
        rejected = pair.rejected if paired else pair.rejected[:0]
        p, c, r = len(prompt), len(chosen), len(rejected)
        spans.append((start, p, c, r))
        ids += [prompt, chosen, rejected]
        positions += [np.arange(p + c), np.arange(p, p + r)]
        # The prompt's last token predicts the first token of both completions.
        last = start + p - 1
        second = start + p + c
        for completion, first, kind in [(chosen, start + p, 0), (rejected, second, 1)]:
            if len(completion):
                scored.append(np.r_[last, first : first + len(completion) - 1])
                targets.append(completion)
                segments.append(np.full(len(completion), number + kind * len(pairs)))
        if with_prompt:
            scored.append(np.arange(start, last))
            targets.append(prompt[1:])
            segments.append(np.full(p - 1, number + 2 * len(pairs)))
        start = second + r
    if fill := -start % MULTIPLE:
        # Behind the last completion, and nothing looks ahead.
        ids.append(np.zeros(fill, dtype=np.int64))
        positions.append(np.arange(fill) + p + (r or c))
        spans[-1] = (*spans[-1][:3], spans[-1][3] + fill)
    return PackedRow(
        ids=[pair.id for pair in pairs],
        tokens=start,
        spans=spans,
        input_ids=_tensor(ids)[None],
        position_ids=_tensor(positions)[None],
        scored=_tensor(scored),
        targets=_tensor(targets),
        segments=_tensor(segments),
        numbers=torch.tensor([pair.numbers for pair in pairs], dtype=torch.float32).T,
    )


def without_waiting(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy `tensor` to `device`; the CPU goes on while a GPU copies it."""
    pinned = tensor.pin_memory() if device.type == "cuda" else tensor
    return pinned.to(device, non_blocking=True)


def _tensor(parts: Iterable[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.concatenate(list(parts)).astype(np.int64))


class PackedByLength(Sequence[PackedRow]):
    """Rows of the pairs of each split, its longest first, so that its first row needs most memory.

    A row is packed when it is asked for: together they take several times what their tokens do.
    No row holds pairs of two splits: in bf16 a pair's sums depend on the row that it is in, and are
    the same wherever its split is packed.
    """

    def __init__(
        self, *splits: Sequence[TokenPair], token_budget: int, with_prompt: bool = False
    ) -> None:
        self._with_prompt = with_prompt
        self._groups: list[tuple[Sequence[TokenPair], list[int]]] = []
        for split in splits:
            sizes = [_size(pair) for pair in split]
            order = sorted(range(len(sizes)), key=lambda place: -sizes[place])
            self._groups += [(split, places) for places in _grouped(sizes, order, token_budget)]

    def __len__(self) -> int:
        return len(self._groups)

    @overload
    def __getitem__(self, index: int) -> PackedRow: ...
    @overload
    def __getitem__(self, index: slice) -> PackedByLength: ...
    def __getitem__(self, index: int | slice) -> PackedRow | PackedByLength:
        if isinstance(index, slice):
            some = copy(self)
            some._groups = self._groups[index]
            return some
        split, places = self._groups[index]
        return _pack_row([split[place] for place in places], True, self._with_prompt)
