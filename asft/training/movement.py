"""Whether training has changed a policy, and to numbers: no other run ends as if it had learnt."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from asft.config import Training
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


def refuse_diverged(
    logs: Mapping[str, float], step: int, pairs: Sequence[str], training: Training
) -> None:
    """Refuse a step whose loss or gradient is not finite; `pairs` are the ids of its pairs.

    Raises:
        UserError: which step and pairs, and what can be done.
    """
    for name in ("loss", "grad_norm"):
        if not math.isfinite(logs.get(name, 0.0)):
            raise UserError(
                f"training diverged: {name} is {logs[name]} at step {step}, pairs"
                f" {', '.join(pairs[:8])}; lower training.learning_rate (now"
                f" {training.learning_rate:g}) or look at these pairs"
            )


def _sum(weight: Tensor, dtype: torch.dtype) -> int:
    return int(weight.detach().to(dtype).contiguous().view(_BITS[dtype]).sum(dtype=torch.int64))
