"""What values hyper-parameters may take."""

import math

import pytest

from asft.losses.limits import FINITE, NOT_NEGATIVE, POSITIVE, POSITIVE_RATE, RATE, UP_TO_ONE, both


@pytest.mark.parametrize(
    ("limit", "taken", "refused"),
    [
        (FINITE, [-1e9, 0, 3], []),
        (POSITIVE, [1e-9, 3], [0, -1]),
        (NOT_NEGATIVE, [0, 3], [-1e-9]),
        (UP_TO_ONE, [0.1, 1], [0, 1.1]),
        (RATE, [0, 0.49], [-0.1, 0.5]),
        (POSITIVE_RATE, [0.01, 0.49], [0, 0.5]),
    ],
)
def test_limits(limit, taken, refused):
    assert all(map(limit, taken))
    assert not any(map(limit, [*refused, math.inf, -math.inf, math.nan]))


def test_both_limits_hold_and_are_said_once():
    assert both(POSITIVE, POSITIVE) == POSITIVE
    limit = both(RATE, POSITIVE)
    assert limit(0.1)
    assert not limit(0)
    assert not limit(0.7)
    assert limit.words == "of at least 0 and below 0.5 and above 0"
