"""What is seen of a training while it goes on: its history so far, and how far it is.

Both files lie beside its checkpoints, out of reach of Snakemake, which deletes the outputs of a job
that failed; they go when the policy is saved and `history.csv` is written. A run that continues
begins them anew from the rows of its checkpoint, so no line stands twice and one that was cut short
is whole again.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, Any

import torch

from asft.files import write_text
from asft.progress import Progress
from asft.training.history import HEADER, History
from asft.training.memory import peak_memory

HISTORY, PROGRESS = "history.csv", "progress.json"
RECENT = 20  # steps that the tokens per second are taken over


class Live:
    """Writes a line of history a step; a file that cannot be written never ends the training."""

    def __init__(
        self, folder: Path, history: History, device: torch.device, until: float = 1
    ) -> None:
        """Write into `folder` what `history` sees of the share `until` of the steps."""
        self._folder, self._history, self._device = folder, history, device
        self._until, self._progress = until, Progress(None, "", None, "")
        self._file: IO[bytes] | None = None
        self._written = 0  # rows

    def begin(self, state: Any) -> None:
        """Write what an interrupted run had seen before its checkpoint, and the first rows."""
        path = self._folder / HISTORY
        try:
            write_text(path, "\n".join([HEADER, *self._take(), ""]))
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            self._give_up(error)
        steps = round(self._until * state.max_steps)
        self._progress = Progress(self._folder / PROGRESS, "train", steps, "step")
        self._progress.tell(state.global_step, self._facts)

    def update(self, state: Any) -> None:
        """Write the rows to which nothing is added any more."""
        lines = self._take()
        if self._file and lines:
            try:
                self._file.write("\n".join([*lines, ""]).encode())
            except OSError as error:
                self._give_up(error)
        self._progress.tell(state.global_step, self._facts)

    def end(self, state: Any) -> None:
        """Write what is left; the files of a run that was stopped stay until it continues."""
        self.update(state)
        self._close()

    def _take(self) -> list[str]:
        lines = self._history.lines(self._written)
        self._written += len(lines)
        return lines

    def _facts(self) -> dict[str, Any]:
        memory, how = peak_memory(self._device)
        speed = self._history.tokens_per_second(RECENT)
        return {"tokens_per_second": speed, "memory_bytes": memory, "memory_is": how}

    def _give_up(self, error: OSError) -> None:
        reason = f"{error.strerror or error}; the training goes on without it"
        print(f"{self._folder / HISTORY}: {reason}", file=sys.stderr, flush=True)
        self._close()

    def _close(self) -> None:
        if self._file:
            self._file.close()
        self._file = None
