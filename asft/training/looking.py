"""What policy and reference say of a row of pairs: as much as a method asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor

from asft.losses import Method, PairLogps
from asft.records import PairNumbers
from asft.training.packing import PackedRow
from asft.training.pair_logps import pair_logps
from asft.training.reference_model import OnlineReference

# From a row of pairs to the reference's log-probabilities of them.
Reference = Callable[[PackedRow], PairLogps]


def look(
    model: torch.nn.Module, row: PackedRow, method: Method, reference: Reference | None
) -> tuple[PairLogps, PairLogps | None]:
    """Compute what the method's loss gets of a row: policy, and reference if it needs one."""
    known: PairLogps | None = None
    against: Tensor | None = None
    if method.needs_divergences:
        known, against = cast(OnlineReference, reference).with_logits(row)
    elif method.needs_reference:
        known = cast(Reference, reference)(row)
    policy = pair_logps(
        model,
        row,
        collisions=method.needs_collisions,
        shared=method.needs_shared,
        against=against,
    )
    return policy._replace(numbers=PairNumbers(*row["numbers"])), known
