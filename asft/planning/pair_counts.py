"""Tokens of a data set: counted where it is prepared, else estimated from its rows."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from asft.config import Dataset
from asft.data import source_pairs
from asft.parquet import read_groups
from asft.planning.arithmetic import PairTokens
from asft.records import Message, Pair

CHARACTERS = 3.6  # a token, of English text with some code
TEMPLATE = 5  # tokens that a chat template puts around a message
_LONG = 95  # per cent
_NAMES = ("prompt", "chosen", "rejected")


def count_tokens(folder: Path) -> PairTokens:
    """Count the tokens of a prepared data set.

    Args:
        folder: its folder `tokens`

    Raises:
        UserError: the file is damaged.
    """
    lengths, trained = [], []
    for table in read_groups(folder / "pairs.parquet", ["split", *_NAMES]):
        columns = [pc.list_value_length(table[name]).to_numpy() for name in _NAMES]
        lengths.append(np.stack(columns, axis=1))
        trained.append(pc.equal(table["split"], "train").to_numpy(zero_copy_only=False))
    return _summed(np.concatenate(lengths).astype(float), np.concatenate(trained), counted=True)


def estimate_tokens(dataset: Dataset, name: str, max_length: int) -> PairTokens | None:
    """Estimate the same from the characters of rows on this machine; None: they are elsewhere."""
    pairs = source_pairs(dataset, name, dataset.sources, dataset.limit)
    apart = source_pairs(dataset, name, dataset.heldout_sources)
    if pairs is None or (apart is None and dataset.heldout_sources):
        return None
    train, outside = _lengths(pairs, max_length), _lengths(apart or (), max_length)
    heldout = outside[: dataset.heldout or len(outside)]
    if not len(outside) and dataset.heldout:  # which ones does not matter to their number
        train, heldout = train[dataset.heldout :], train[: dataset.heldout]
    if not len(train):
        return None
    both = np.concatenate([train, heldout])
    return _summed(both, np.arange(len(both)) < len(train), counted=False)


def _lengths(pairs: Iterable[Pair], most: int) -> NDArray[np.float64]:
    """Tokens of prompt, chosen and rejected of each pair."""
    found = []
    for pair in pairs:
        prompt, chosen, rejected = (text_tokens(part) for part in pair[:3])
        room = max(most - prompt, 0)
        found.append((prompt, min(chosen, room), min(rejected, room)))
    return np.asarray(found, float).reshape(-1, 3)


def text_tokens(text: str | list[Message]) -> float:
    """Estimate the tokens of a text or of messages."""
    if isinstance(text, str):
        return len(text) / CHARACTERS
    return sum(len(f"{message['content']}") / CHARACTERS + TEMPLATE for message in text)


def _summed(lengths: NDArray[np.float64], trained: NDArray[Any], counted: bool) -> PairTokens:
    train, heldout = lengths[trained], lengths[~trained]
    whole = train.sum(axis=1)
    return PairTokens(
        train=len(train),
        heldout=len(heldout),
        train_tokens=float(whole.sum()),
        chosen_tokens=float(train[:, :2].sum()),
        heldout_tokens=float(heldout.sum()),
        longest=float(np.percentile(whole, _LONG)) if len(whole) else 0.0,
        counted=counted,
    )
