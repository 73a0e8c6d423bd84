"""Models for training and its reference: loaded so that packed pairs are right, or refused."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from asft.config import Attention
from asft.data import TokenPair
from asft.errors import UserError
from asft.models import attention_window, default_device, learnt_positions, load_policy
from asft.processes import is_worker
from asft.training.attention.choose import implementation
from asft.training.attention.names import attends_to_pairs
from asft.training.probe import what_packing_breaks


def load_trainable(
    folder: Path,
    attention: Attention,
    precision: torch.dtype,
    pairs: Iterable[TokenPair],
    dtype: torch.dtype = torch.float32,
) -> Any:
    """Load a model whose log-probabilities of packed pairs are those of separate sequences.

    Where packing would change them, the model attends by its own and computes one completion at a
    time; the log says so, and `policy.apart_because` holds the reason.

    Args:
        precision: in which it will compute
        pairs: all that it will see, gone through once

    Raises:
        UserError: no model there, a pair that it has no room for, or several processes for a model
            that computes one completion at a time.
    """
    name = implementation(attention, default_device(), precision)
    try:
        policy = load_policy(folder, dtype, name)
    except KeyError:  # older architectures look attention up in a table of their own
        policy = load_policy(folder, dtype)
    longest = _check_room(policy, pairs)
    reason = what_packing_breaks(policy) or _narrow(policy, longest)
    policy.apart_because = reason
    if not reason:
        return policy
    if is_worker():
        raise UserError(f"model {folder.name}: {reason}; it trains in one process: processes: 1")
    print(f"pairs are not packed, each completion is computed by itself: {reason}", file=sys.stderr)
    if attends_to_pairs(policy):
        policy = load_policy(folder, dtype)
        policy.apart_because = reason
    return policy


def load_unpacked(folder: Path, pairs: Iterable[TokenPair]) -> Any:
    """Load a model as it is, with its own attention, for a trainer that packs nothing.

    Raises:
        UserError: no model there, or a pair that it has no room for.
    """
    policy = load_policy(folder, torch.float32)
    _check_room(policy, pairs)
    return policy


def _length(pair: TokenPair) -> int:
    return len(pair.prompt) + max(len(pair.chosen), len(pair.rejected))


def _narrow(policy: Any, longest: int) -> str:
    window = attention_window(policy)
    if window is None or window >= longest:
        return ""
    return f"the longest pair has {longest} tokens, the model's attention window {window}"


def _check_room(policy: Any, pairs: Iterable[TokenPair]) -> int:
    """Return the length of the longest pair; refuse one that the model has no room for."""
    longest = 0
    positions, words = learnt_positions(policy), policy.get_input_embeddings().num_embeddings
    for pair in pairs:
        longest = max(longest, _length(pair))
        if positions is not None and _length(pair) > positions:
            raise UserError(
                f"pair {pair.id} has {_length(pair)} tokens, and the model has learnt {positions}"
                f" positions; set tokens.max_length: {positions}"
            )
        largest = max(int(part.max(initial=0)) for part in pair[1:4])
        if largest >= words:
            raise UserError(
                f"pair {pair.id} holds token {largest}, and the model has embeddings of {words}:"
                " its tokenizer knows tokens that were added later; resize the model's embeddings"
            )
    return longest
