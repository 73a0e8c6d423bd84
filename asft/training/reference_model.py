"""The reference as a model in memory beside the policy, where its cached numbers do not do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from asft.losses import PairLogps
from asft.training.fused import fuse
from asft.training.packing import PackedRow
from asft.training.pair_logps import logps_of, packed_logits, pair_logps

FILE = "reference.safetensors"


class OnlineReference:
    """Computation of the reference's `PairLogps` of a packed row, by a second model in memory.

    As long as the model is the base policy, they are the cached ones.
    """

    def __init__(self, model: Any, precision: torch.dtype) -> None:
        self._model, self._precision = model.eval().requires_grad_(False), precision
        fuse(model)

    def __call__(self, row: PackedRow) -> PairLogps:
        with self._computing():
            return pair_logps(self._model, row, shared=True)

    def with_logits(self, row: PackedRow) -> tuple[PairLogps, Tensor]:
        """Compute them, and the logits of the row's scored positions: (tokens, vocabulary)."""
        with self._computing():
            logits = packed_logits(self._model, row)
            return logps_of(logits, row), logits

    @property
    def size(self) -> int:
        """Bytes of the weights."""
        return sum(weight.numel() * weight.element_size() for weight in self._model.parameters())

    @torch.no_grad()
    def follow(self, policy: torch.nn.Module, mix: float) -> None:
        """Mix the policy's weights into the model's: mix times theirs, the rest its own."""
        for own, theirs in zip(self._model.parameters(), policy.parameters(), strict=True):
            own.lerp_(theirs.to(own), mix)

    def save(self, folder: Path) -> None:
        """Write the weights, in a checkpoint."""
        weights = {name: weight.contiguous() for name, weight in self._model.named_parameters()}
        save_file(weights, folder / FILE)

    @torch.no_grad()
    def restore(self, folder: Path) -> None:
        """Read the weights of a checkpoint."""
        saved = load_file(folder / FILE)
        for name, weight in self._model.named_parameters():
            weight.copy_(saved[name])

    @contextmanager
    def _computing(self) -> Iterator[None]:
        enabled = self._precision != torch.float32
        with torch.no_grad(), torch.autocast(self._model.device.type, self._precision, enabled):
            yield
