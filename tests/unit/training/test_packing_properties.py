"""What a packed row says of itself, for any pairs: who sees whom, what is scored for which."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch.nn.functional import scaled_dot_product_attention

from asft.data.tokens import TokenPair
from asft.training.attention import blocks
from asft.training.packing import MULTIPLE, PackedByLength, PackedRow, pack

sizes = st.integers(1, 9)
LENGTHS = st.lists(st.tuples(sizes, sizes, sizes), min_size=1, max_size=6)
KINDS = {"chosen": 0, "rejected": 1, "prompt": 2}


def pairs_of(lengths: list[tuple[int, int, int]]) -> list[TokenPair]:
    """Pairs in which every token of all of them is another number."""
    counter = iter(np.arange(sum(map(sum, lengths)), dtype=np.int32))
    rows = ([np.array([next(counter) for _ in range(n)], np.int32) for n in row] for row in lengths)
    return [TokenPair(f"p{i}", *row) for i, row in enumerate(rows)]


def sequence(pair: TokenPair, kind: str) -> NDArray[np.int32]:
    """The separate sequence that a completion (or the prompt alone) stands for."""
    return pair.prompt if kind == "prompt" else np.r_[pair.prompt, getattr(pair, kind)]


@given(LENGTHS, st.integers(1, 60), st.booleans(), st.booleans())
def test_what_is_scored_is_the_next_token_of_its_own_sequence(
    lengths: list[tuple[int, int, int]], budget: int, paired: bool, with_prompt: bool
) -> None:
    pairs = {pair.id: pair for pair in pairs_of(lengths)}
    seen: list[tuple[str, str, int]] = []
    for row in pack(list(pairs.values()), budget, paired=paired, with_prompt=with_prompt):
        for place, target, segment in zip(
            row["scored"].tolist(), row["targets"].tolist(), row["segments"].tolist(), strict=True
        ):
            kind = list(KINDS)[segment // len(row["ids"])]
            name = row["ids"][segment % len(row["ids"])]
            own = sequence(pairs[name], kind).tolist()
            at = own.index(row["input_ids"][0, place].item())
            assert own[at + 1] == target
            assert row["position_ids"][0, place] == at
            seen.append((name, kind, target))
    expected = [
        (pair.id, kind, token)
        for pair in pairs.values()
        for kind in KINDS
        for token in (pair.prompt[1:] if kind == "prompt" else getattr(pair, kind)).tolist()
        if (kind != "prompt" or with_prompt) and (kind != "rejected" or paired)
    ]
    assert sorted(seen) == sorted(expected)  # each once, none of another pair


@given(LENGTHS, st.integers(1, 60), st.booleans())
def test_spans_cut_a_row_into_its_pairs(
    lengths: list[tuple[int, int, int]], budget: int, paired: bool
) -> None:
    pairs = iter(pairs_of(lengths))
    for row in pack(pairs_of(lengths), budget, paired=paired):
        end = 0
        fill = row["input_ids"].shape[1] - row["tokens"]
        *others, last = row["spans"]
        for start, p, c, r in [*others, (*last[:3], last[3] - fill)]:
            pair = next(pairs)
            assert start == end
            end = start + p + c + r
            parts = [pair.prompt, pair.chosen, pair.rejected[:r]]
            assert [p, c, r] == [len(pair.prompt), len(pair.chosen), paired * len(pair.rejected)]
            assert row["input_ids"][0, start:end].tolist() == np.concatenate(parts).tolist()
            assert _positions(row, start, end) == [*range(p + c), *range(p, p + r)]
        assert end == row["tokens"]
        assert row["input_ids"].shape == row["position_ids"].shape
        assert 0 <= fill < MULTIPLE
    assert next(pairs, None) is None


def _positions(row: PackedRow, start: int, end: int) -> list[int]:
    positions: list[int] = row["position_ids"][0, start:end].tolist()
    return positions


@given(sizes, sizes, st.integers(0, 9), st.integers(1, 5), st.booleans())
def test_attention_is_that_of_two_separate_sequences(
    p: int, c: int, r: int, queries: int, keep: bool
) -> None:
    random = torch.Generator().manual_seed(p + c + r)
    q, k, v = (
        torch.randn(1, heads, p + c + r, 4, generator=random).requires_grad_()
        for heads in (4, 2, 2)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "QUERIES", queries)
        patch.setattr(blocks, "KEPT_UP_TO", 999 if keep else 0)
        found = blocks.attend_in_blocks(q, k, v, [(0, p, c, r)], 0.7)
        weights = torch.randn(found.shape, generator=random)
        ours = torch.autograd.grad((found * weights).sum(), [q, k, v])
    expected = plain(*(x[:, :, : p + c] for x in (q, k, v)))
    if r:
        kept = [*range(p), *range(p + c, p + c + r)]
        rejected = plain(*(x[:, :, kept] for x in (q, k, v)))[:, p:]
        expected = torch.cat([expected, rejected], dim=1)
    theirs = torch.autograd.grad((expected * weights).sum(), [q, k, v])
    torch.testing.assert_close(found, expected)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b)


def plain(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    found = scaled_dot_product_attention(q, k, v, is_causal=True, scale=0.7, enable_gqa=True)
    return found.transpose(1, 2)


@given(LENGTHS, st.integers(1, 60))
def test_longest_pairs_come_first_and_each_once(
    lengths: list[tuple[int, int, int]], budget: int
) -> None:
    pairs = {pair.id: pair for pair in pairs_of(lengths)}
    rows = PackedByLength(list(pairs.values()), token_budget=budget)
    packed = [name for row in rows for name in row["ids"]]
    # Of several processes each takes every n-th row, packed when it is asked for.
    shares = [[row["ids"] for row in rows[number::2]] for number in (0, 1)]
    assert [len(rows[number::2]) for number in (0, 1)] == list(map(len, shares))
    assert shares == [[row["ids"] for row in list(rows)[number::2]] for number in (0, 1)]
    assert sorted(packed) == sorted(pairs)
    sizes = [sum(map(len, pairs[name][1:])) for name in packed]
    assert sizes == sorted(sizes, reverse=True)
    apart = PackedByLength(*[[pair] * 2 for pair in pairs.values()], token_budget=budget)
    assert {len(set(row["ids"])) for row in apart} == {1}  # none holds pairs of two splits
