"""A preference that a tiny model can learn in seconds, tokenised."""

import math

import numpy as np

from asft.data.tokens import TokenPair
from asft.records import PairNumbers


def learnable_pairs(count: int, seed: int = 0) -> list[TokenPair]:
    """Chosen completions count up from the prompt's last token, rejected ones are noise."""
    rng = np.random.default_rng(seed)
    pairs = []
    for number in range(count):
        prompt = rng.integers(10, 60, rng.integers(3, 12), dtype=np.int32)
        chosen = (prompt[-1] + 1 + np.arange(6)).astype(np.int32)
        rejected = rng.integers(10, 80, rng.integers(3, 9), dtype=np.int32)
        numbers = PairNumbers(math.nan, math.nan, 0.5 + number % 3, 1.0)
        pairs.append(TokenPair(f"pair{number}", prompt, chosen, rejected, numbers))
    return pairs
