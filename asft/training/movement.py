"""Whether training has changed a policy: a run that learnt nothing must not end as if it had."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from asft.errors import UserError

_BITS = {torch.bfloat16: torch.int16, torch.float32: torch.int32}


def sums_of_bits(weights: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, int]:
    """Return a checksum of each weight as it would be saved in `dtype`."""
    return {name: _sum(weight, dtype) for name, weight in weights.items()}


def refuse_unmoved(
    before: Mapping[str, int], weights: Mapping[str, Tensor], dtype: torch.dtype, out: Path
) -> None:
    """Refuse a policy of which every saved weight is the base's.

    Raises:
        UserError: what can be done.
    """
    # Most differ: the first tells.
    if any(before[name] != _sum(weights[name], dtype) for name in before if name in weights):
        return
    raise UserError(
        f"{out}: training has changed no weight that is saved (in {str(dtype).split('.')[-1]}): "
        "raise training.learning_rate, train for more steps, or save in float32 "
        "(training.save_dtype)"
    )


def _sum(weight: Tensor, dtype: torch.dtype) -> int:
    return int(weight.detach().to(dtype).contiguous().view(_BITS[dtype]).sum(dtype=torch.int64))
