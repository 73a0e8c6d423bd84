"""Mismatched pairs: whose completions each prompt gets."""

import numpy as np
from preferences import learnable_pairs

from asft.data.tokens import TokenPair
from asft.training.mismatched import Mismatched


def test_each_prompt_gets_the_next_pairs_completions():
    pairs = learnable_pairs(5)
    found = list(Mismatched(pairs))
    for pair, partner, other in zip(pairs, [*pairs[1:], pairs[0]], found, strict=True):
        np.testing.assert_array_equal(other.prompt, pair.prompt)
        for side in ("chosen", "rejected"):
            completion = getattr(partner, side)
            cut = getattr(other, side)
            np.testing.assert_array_equal(cut, completion[: len(cut)])
            assert len(cut) >= 1
        assert other.id == f"{pair.id}/mismatched"


def pair(name, prompt, chosen, rejected):
    return TokenPair(name, *(np.arange(n, dtype=np.int32) for n in (prompt, chosen, rejected)))


def test_nothing_gets_longer_than_the_longest():
    found = list(Mismatched([pair("a", 8, 2, 1), pair("b", 2, 6, 7)]))
    assert [len(part) for part in found[0][1:4]] == [8, 2, 2]
    assert [len(part) for part in found[1][1:4]] == [2, 2, 1]


def test_a_partner_with_the_same_prompt_is_passed_over():
    pairs = [pair("a", 3, 1, 2), pair("b", 3, 3, 3), pair("c", 4, 5, 6)]
    assert [len(found.chosen) for found in Mismatched(pairs)] == [5, 5, 1]
    same = [pair("a", 3, 1, 2), pair("b", 3, 3, 3)]
    assert [len(found.chosen) for found in Mismatched(same)] == [3, 1]


def test_some_are_found_by_their_pairs():
    pairs = learnable_pairs(5)
    every = Mismatched(pairs)
    assert [p.id for p in every.of([pairs[3], pairs[1]])] == [
        *("pair3/mismatched", "pair1/mismatched")
    ]
    assert [p.id for p in every[1:3]] == ["pair1/mismatched", "pair2/mismatched"]
    assert list(Mismatched([])) == []
