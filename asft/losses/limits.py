"""What values a hyper-parameter may take."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple


class Limit(NamedTuple):
    """Which finite numbers are allowed, and how a message and a table say it."""

    allows: Callable[[float], bool]
    words: str

    def __call__(self, value: float) -> bool:
        """Return whether the value is finite and allowed."""
        return math.isfinite(value) and self.allows(value)


FINITE = Limit(lambda value: True, "that is finite")
POSITIVE = Limit(lambda value: value > 0, "above 0")
NOT_NEGATIVE = Limit(lambda value: value >= 0, "of at least 0")
SHARE = Limit(lambda value: 0 <= value <= 1, "from 0 to 1")
BELOW_ONE = Limit(lambda value: 0 <= value < 1, "of at least 0 and below 1")
COUNT = Limit(lambda value: value >= 1 and value == int(value), "that is whole and at least 1")
UP_TO_ONE = Limit(lambda value: 0 < value <= 1, "above 0 and at most 1")
# Rates at which labels are flipped; at one half nothing could be learnt of them.
RATE = Limit(lambda value: 0 <= value < 0.5, "of at least 0 and below 0.5")
POSITIVE_RATE = Limit(lambda value: 0 < value < 0.5, "above 0 and below 0.5")


def both(first: Limit, second: Limit) -> Limit:
    """Return the limit of what both allow."""
    if first == second:
        return first
    return Limit(lambda value: first(value) and second(value), f"{first.words} and {second.words}")
