"""Cost of a training: steady-state speed and peak memory of this process."""

from __future__ import annotations

from typing import Any, cast

import torch

from asft.training.comparable import ComparableTrainer
from asft.training.memory import peak_memory

WARM_UP_STEPS = 2  # left out of the timing: first touches of memory, kernel selection


def cost_of(trainer: ComparableTrainer) -> dict[str, Any]:
    """Return what `cost.json` says of a finished training, all but its whole duration."""
    steps = [row for row in trainer.history.rows() if row["split"] == "train"]
    steady = steps[WARM_UP_STEPS:] or steps
    seconds = sum(row["seconds"] for row in steady)
    device, model = trainer.args.device, cast(torch.nn.Module, trainer.model)
    peak, how = peak_memory(device)
    # Only where it is so: an ordinary run packs pairs.
    apart = getattr(trainer.policy, "apart_because", "")
    packing = {"packing": f"one completion at a time: {apart}"} if apart else {}
    unlike = {**packing, **trainer.how}
    return unlike | {
        "steps": len(steps),
        "steady_steps": len(steady),
        "steady_seconds": round(seconds, 3),
        "pairs_per_second": round(sum(row["pairs"] for row in steady) / seconds, 4),
        "tokens_per_second": round(sum(row["tokens"] for row in steady) / seconds, 2),
        "peak_memory_bytes": peak,
        "peak_memory_is": how,
        "time_is": f"seconds: training with measurements; steady: optimiser steps after the first"
        f" {len(steps) - len(steady)}, without measurements",
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "processes": trainer.args.world_size,
        "threads": torch.get_num_threads(),
        "precision": str(trainer.precision).removeprefix("torch."),
        "parameters": sum(p.numel() for p in model.parameters()),
        "trained_parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
    }
