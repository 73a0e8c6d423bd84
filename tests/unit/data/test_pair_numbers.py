"""Scores, margins and weights of rows: which are read, kept and counted."""

import math

import pytest

from asft.data.pair_numbers import count_numbers, number_columns, numbers_of, said_of_any
from asft.data.rows import Unusable
from asft.records import NO_NUMBERS, PairNumbers


def test_a_margin_is_given_or_the_difference_of_the_scores():
    scores = {"score_chosen": 8, "score_rejected": 6.5}
    assert numbers_of(scores) == PairNumbers(8.0, 6.5, 1.5, 1.0)
    assert numbers_of(scores | {"margin": 0.25}) == PairNumbers(8.0, 6.5, 0.25, 1.0)
    assert math.isnan(numbers_of({"score_chosen": 8}).margin)


@pytest.mark.parametrize("value", [None, "8", True, math.nan, math.inf, [1]])
def test_what_is_no_number_is_not_said(value):
    found = numbers_of({"margin": value, "score_chosen": value, "other": 3})
    assert all(map(math.isnan, found[:3]))
    assert found.weight == 1.0


@pytest.mark.parametrize("weight", ["1", True, math.nan, -0.5])
def test_a_weight_that_cannot_be_read_drops_the_row(weight):
    with pytest.raises(Unusable, match="malformed_weight"):
        numbers_of({"weight": weight})
    assert numbers_of({"weight": 0}).weight == 0


def test_columns_are_of_what_is_said_of_any_pair():
    assert said_of_any([NO_NUMBERS]) == []
    numbers = [NO_NUMBERS, NO_NUMBERS._replace(margin=2.0)]
    found = number_columns(numbers, said_of_any(numbers))
    assert {name: column.to_pylist() for name, column in found.items()} == {"margin": [None, 2.0]}
    numbers = [NO_NUMBERS._replace(weight=w) for w in (1.0, 0.5)]
    assert count_numbers(numbers) == {"weight": {"pairs": 2, "min": 0.5, "mean": 0.75, "max": 1.0}}
