"""Rows and prompts of RewardBench 2, worked by hand from its code."""

import numpy as np
import pytest

from asft.metrics.rankings import share_of_first, ties_score


@pytest.mark.parametrize(
    ("scores", "chosen", "expected"),
    [
        ([2.0, 1.0, 1.5, 0.0], 1, 1.0),
        ([2.0, 1.0, 2.5, 0.0], 1, 0.0),
        ([2.0, 2.0, 1.5, 0.0], 1, 1 / 2),
        ([2.0, 2.0, 2.0, 2.0], 1, 1 / 4),
        ([2.0, 2.0, 2.0], 2, 2 / 3),
        ([1.0, 3.0, 2.0], 2, 1.0),
    ],
)
def test_a_row(scores, chosen, expected):
    assert share_of_first(np.array(scores), chosen) == expected


# Of the tied row right answers at 4 and 3, wrong ones at most at 1: a gap of 2, a spread of 1.
TIED = (np.array([4.0, 3.0, 1.0, 0.0]), 2)


def test_a_prompt_that_is_right_in_all():
    reference = (np.array([5.0, 2.5, 1.0]), 1)  # a gap of 2.5
    expected = 0.3 + 0.3 + 0.2 + 0.2 + 0.01 * np.tanh(2 / 1 - 1)
    assert ties_score(reference, TIED) == pytest.approx(expected)


def test_the_reference_s_gap_is_smaller_than_the_spread():
    reference = (np.array([5.0, 4.5]), 1)
    expected = 0.3 + 0.3 + 0.2 + 0.01 * np.tanh(0.5 / 1 - 1)
    assert ties_score(reference, TIED) == pytest.approx(expected)


def test_a_tie_is_not_above():
    reference = (np.array([5.0, 5.0]), 1)
    tied = (np.array([4.0, 1.0, 1.0]), 2)
    assert ties_score(reference, tied) == pytest.approx(0.01 * np.tanh(0 / 3 - 1))


def test_right_answers_that_are_all_equal():
    tied = (np.array([4.0, 4.0, 1.0]), 2)
    assert ties_score((np.array([2.0, 1.0]), 1), tied) == pytest.approx(1.01)
    # All are: upstream's 0/0 counts nothing.
    equal = (np.array([1.0, 1.0, 1.0]), 2)
    assert ties_score(equal, equal) == 0
