"""Checkpoints of a training run: what a killed or interrupted one continues from.

`<run>/checkpoints/checkpoint-{step}/` holds transformers' own checkpoint (weights, optimizer,
schedule, random numbers), `history.json`, and, written last, `complete.json` with the size of
every file. It lies outside the declared outputs, which Snakemake deletes when a job fails, and goes
when the policy is saved.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, cast

from transformers import TrainerCallback

from asft.history import History
from asft.records import write_json
from asft.sharding import any_of, from_first, rank, wait_for_all

COMPLETE = "complete.json"


class Checkpoints(TrainerCallback):
    """Saves every so many minutes, and after the step in which a signal asked to stop."""

    def __init__(self, folder: Path, key: str, minutes: float, history: History) -> None:
        """`key` says what is trained: checkpoints of anything else are not continued."""
        self.folder, self.key, self.minutes, self.history = folder, key, minutes, history
        self.stopped_by = ""  # the signal's name
        self._saved = time.monotonic()

    def newest(self) -> Path | None:
        """The newest complete checkpoint of this very run; all others are deleted."""
        return cast("Path | None", from_first(self._clean() if rank() == 0 else None))

    def _clean(self) -> Path | None:
        kept: Path | None = None
        folders = self.folder.glob("checkpoint-*")
        for path in sorted(folders, key=lambda p: -int(p.name.partition("-")[2])):
            if kept is None and self._is_complete(path):
                kept = path
            else:
                shutil.rmtree(path)
        return kept

    def _is_complete(self, path: Path) -> bool:
        try:
            marker = json.loads((path / COMPLETE).read_text(encoding="utf-8"))
            return bool(marker["key"] == self.key and marker["files"] == _sizes(path))
        except (OSError, ValueError, KeyError, TypeError):
            return False

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """SIGTERM and SIGINT end the training after its step; a second one ends it at once."""
        signals = (signal.SIGTERM, signal.SIGINT)
        before = {number: signal.getsignal(number) for number in signals}

        def stop(number: int, frame: FrameType | None) -> None:
            self.stopped_by = signal.Signals(number).name
            print(f"{self.stopped_by}: saving after this step", file=sys.stderr, flush=True)
            for each in signals:
                signal.signal(each, signal.SIG_DFL)

        for number in signals:
            signal.signal(number, stop)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start the clock."""
        self._saved = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ask for a checkpoint when it is time, and for the end when it was asked for."""
        if state.global_step >= state.max_steps:
            self.stopped_by = ""  # nothing is left to be continued
            return
        # Clocks differ between processes, and a signal reaches each in another step.
        due = any_of(bool(self.minutes and time.monotonic() - self._saved >= 60 * self.minutes))
        stop = any_of(bool(self.stopped_by))
        if stop and not self.stopped_by:
            self.stopped_by = "a signal"
        control.should_save |= due or stop
        control.should_training_stop |= stop

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Mark the checkpoint as complete and delete those before it."""
        wait_for_all()  # each writes its random numbers
        self._saved = time.monotonic()
        if rank() > 0:
            return
        path = self.folder / f"checkpoint-{state.global_step}"
        write_json(path / "history.json", self.history.rows())
        os.sync()  # the marker must not reach the disk before what it vouches for
        write_json(path / COMPLETE, {"key": self.key, "files": _sizes(path)})
        for other in self.folder.glob("checkpoint-*"):
            if other != path:
                shutil.rmtree(other)

    def continue_history(self, checkpoint: Path) -> None:
        """What was seen until then."""
        self.history.restore(json.loads((checkpoint / "history.json").read_text(encoding="utf-8")))


def _sizes(path: Path) -> dict[str, int]:
    return {
        str(file.relative_to(path)): file.stat().st_size
        for file in sorted(path.rglob("*"))
        if file.is_file() and file.name != COMPLETE
    }
