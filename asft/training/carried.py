"""What a loss carries from step to step: a reference that moves, a running mean.

Checkpoints hold it, so that a run that was stopped continues to the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import TrainerCallback

from asft.files import read_json, write_json
from asft.losses import Method, PairLogps
from asft.training.distributed import rank
from asft.training.reference_model import OnlineReference

FILE = "carried.json"


class Carried(TrainerCallback):
    """Callback that moves the reference behind its steps, and saves what later steps need."""

    def __init__(
        self, method: Method, given: dict[str, Any], reference: object, policy: torch.nn.Module
    ) -> None:
        self._method, self._given = method, method.hyperparameters() | given
        self._policy = policy
        self._moving: OnlineReference | None = None
        if method.moves_reference:
            assert isinstance(reference, OnlineReference)
            self._moving = reference
        self._mean: Tensor | float = 0.0

    def running(self, like: Tensor) -> Tensor:
        """Return the running mean of the steps before this one, 0 at the first."""
        return torch.as_tensor(self._mean, dtype=like.dtype, device=like.device)

    def take(self, policy: PairLogps, reference: PairLogps | None) -> None:
        """Take a step into the running mean, if the method has one."""
        if self._method.running is not None:
            seen = self._method.running(policy, reference, **self._given)
            momentum = self._given["momentum"]
            self._mean = momentum * self.running(seen) + (1 - momentum) * seen

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Let the reference follow, where it is time."""
        if self._moving and state.global_step % int(self._given["every"]) == 0:
            self._moving.follow(self._policy, self._given["mix"])

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Write into the checkpoint what is carried, if anything is."""
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if rank() > 0:
            return
        if self._moving:
            self._moving.save(folder)
        if self._method.running is not None:
            write_json(folder / FILE, {"running": float(self._mean)})

    def restore(self, folder: Path) -> None:
        """Continue with what a checkpoint holds."""
        if self._moving:
            self._moving.restore(folder)
        if self._method.running is not None:
            self._mean = float(read_json(folder / FILE)["running"])
