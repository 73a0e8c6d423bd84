"""A pair as token ids. Beside `tokens.py`, for those who make ids and read no file of them."""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from asft.records import NO_NUMBERS, PairNumbers

Ids: TypeAlias = NDArray[np.int32]


class TokenPair(NamedTuple):
    """Token ids of one pair; the completions do not repeat the prompt.

    Of rows that hold a single completion the other one is empty.
    """

    id: str
    prompt: Ids
    chosen: Ids
    rejected: Ids
    numbers: PairNumbers[float] = NO_NUMBERS
