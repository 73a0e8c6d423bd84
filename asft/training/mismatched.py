"""Prompts with the completions of another pair, by which KTO tells how far the policy has moved.

The partner is fixed: of a pair the next one in the data, the first of the last. So the reference's
log-probabilities can be computed beforehand, and a step's estimate depends on its pairs alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from asft.data import Pairs, TokenPair

LOOK = 100  # so many pairs further on a partner is looked for whose prompt is another


class Mismatched(Pairs):
    """Pairs in the order of `pairs`, each with its partner's completions.

    What would be longer than the longest sequence of `pairs` is cut, so that models take it.
    """

    def __init__(self, pairs: Sequence[TokenPair]) -> None:
        self._pairs = pairs
        self._place = {pair.id: number for number, pair in enumerate(pairs)}
        self._longest = max(map(_length, pairs), default=0)

    def __len__(self) -> int:
        return len(self._pairs)

    def at(self, place: int) -> TokenPair:
        pair = self._pairs[place]
        following = (self._pairs[(place + n) % len(self)] for n in range(1, LOOK))
        others = (p for p in following if not np.array_equal(p.prompt, pair.prompt))
        partner = next(others, self._pairs[(place + 1) % len(self)])
        room = self._longest - len(pair.prompt)
        name = f"{pair.id}/mismatched"
        return TokenPair(name, pair.prompt, partner.chosen[:room], partner.rejected[:room])

    def of(self, pairs: Iterable[TokenPair]) -> list[TokenPair]:
        """Return those of some of the pairs."""
        return [self[self._place[pair.id]] for pair in pairs]


def _length(pair: TokenPair) -> int:
    return len(pair.prompt) + max(len(pair.chosen), len(pair.rejected))
