"""Exchange between processes: shares of a batch, sums over all, one's value for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from asft.data import TokenPair


def processes() -> int:
    """Return how many processes train together; 1 before they have found one another."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Return this process's number among those that train together, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def current_device() -> torch.device:
    """Return the device on which tensors must be for the processes to exchange them."""
    return torch.device("cuda" if dist.is_initialized() and dist.get_backend() == "nccl" else "cpu")


def share_out(pairs: Sequence[TokenPair], count: int) -> list[list[TokenPair]]:
    """Split pairs into shares of about as many tokens, each in their order; some may be empty.

    The same for the same pairs, so every process knows what the others have.
    """
    sizes = [len(pair.prompt) + len(pair.chosen) + len(pair.rejected) for pair in pairs]
    shares: list[list[int]] = [[] for _ in range(count)]
    loads = [0] * count
    for place in sorted(range(len(pairs)), key=lambda i: (-sizes[i], i)):
        lightest = loads.index(min(loads))
        shares[lightest].append(place)
        loads[lightest] += sizes[place]
    return [[pairs[i] for i in sorted(share)] for share in shares]


def summed(values: Tensor) -> Tensor:
    """Return the sum of `values` over all processes."""
    if processes() > 1:
        dist.all_reduce(values)
    return values


def any_of(flag: bool) -> bool:
    """Return whether the flag is set in any process."""
    return bool(summed(torch.tensor(int(flag), device=current_device())).item())


def from_first(value: Any) -> Any:
    """Return the first process's value in every process."""
    if processes() == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box)
    return box[0]


def from_all(value: Any) -> list[Any]:
    """Return the values of all processes, by their number, in every process."""
    if processes() == 1:
        return [value]
    values: list[Any] = [None] * processes()
    dist.all_gather_object(values, value)
    return values


def wait_for_all() -> None:
    """Wait until every process has come here."""
    if processes() > 1:
        dist.barrier()
