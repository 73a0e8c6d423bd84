"""Checkpoints of a training run: what a killed or interrupted one continues from.

`<run>/checkpoints/checkpoint-{step}/` holds transformers' own checkpoint (weights, optimizer,
schedule, random numbers), `history.json`, and, written last, `complete.json` with size and checksum
of every file. The newest two are kept: a damaged one leads to the one before. They lie outside the
declared outputs, which Snakemake deletes when a job fails, and go when the policy is saved.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, cast

from transformers import TrainerCallback

from asft.errors import UserError
from asft.files import write_json
from asft.training.checkpoint_files import COMPLETE, checksums, copy_state, flush, move_state
from asft.training.distributed import any_of, from_first, rank, wait_for_all
from asft.training.history import History

KEPT = 2
# What loading raises for a file that is not what it should be; not what a busy GPU or disk raises.
_UNUSABLE = {"UnpicklingError", "SafetensorError", "ValueError", "KeyError", "EOFError"}


class Checkpoints(TrainerCallback):
    """Callback that saves every so many minutes, and after the step in which a signal came."""

    def __init__(
        self,
        folder: Path,
        key: str,
        minutes: float,
        history: History,
        token_budget: int,
        until: float = 1,
    ) -> None:
        """Keep checkpoints in `folder`; `key` says what is trained: no others are continued.

        Training ends after the share `until` of its steps, with a checkpoint for what goes on.
        """
        self.folder, self.key, self.minutes, self.history = folder, key, minutes, history
        self.token_budget, self.until = token_budget, until
        self._at_end = False
        self.stopped_by = ""  # the signal's name
        self._training = False
        self._saved = time.monotonic()

    def newest(self) -> Path | None:
        """Return the newest whole checkpoint of this run; delete all but it and the one before."""
        return cast("Path | None", from_first(self._clean() if rank() == 0 else None))

    def _clean(self) -> Path | None:
        """Delete what is not continued, and say why. Files are read down to the first whole one."""
        kept: list[Path] = []
        for path in self._newest_first():
            fault = "" if kept else self._fault(path)
            if fault:
                print(f"{path}: {fault}; not continued", file=sys.stderr, flush=True)
            if fault or len(kept) == KEPT:
                shutil.rmtree(path)
            else:
                kept.append(path)
        return kept[0] if kept else None

    def _newest_first(self) -> list[Path]:
        folders = self.folder.glob("checkpoint-*")
        return sorted(folders, key=lambda p: -int(p.name.partition("-")[2]))

    def _fault(self, path: Path) -> str:
        """Why a checkpoint cannot be continued; nothing if it can."""
        try:
            marker = json.loads((path / COMPLETE).read_text(encoding="utf-8"))
            if marker["key"] != self.key:
                return "of other settings"
            if marker.get("ends"):  # killed while the policy was saved: no step is left to be made
                return "where this run ends"
            found, files = checksums(path), marker["files"]
            wrong = sorted(name for name in {*files, *found} if files.get(name) != found.get(name))
            return f"damaged ({', '.join(wrong)})" if wrong else ""
        except FileNotFoundError:
            return "not complete"
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return f"damaged ({COMPLETE})"

    @contextlib.contextmanager
    def loading(self, path: Path | None) -> Iterator[None]:
        """Discard `path` if training fails because it cannot be loaded: no endless failure.

        Its checksums were right, so it was written so: by another version, or by somebody.
        """
        try:
            yield
        except Exception as error:
            kinds = {kind.__name__ for kind in type(error).__mro__}
            if path is None or self._training or not kinds & _UNUSABLE:
                raise
            shutil.rmtree(path, ignore_errors=True)
            reason = " ".join(str(error).split())[:100]
            raise UserError(
                f"{path}: cannot be loaded ({type(error).__name__}: {reason}) and is deleted;"
                " the same command continues from the one before, or starts anew"
            ) from error

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """End the training after its step at SIGTERM or SIGINT, and at once at a second one."""
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
        """Start the clock of the next checkpoint."""
        self._saved = time.monotonic()

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Note that loading is over: random numbers come last, after the training began."""
        self._training = True

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ask for a checkpoint when it is time, and for the end when it was asked for."""
        stops = self.until < 1 and state.global_step >= round(self.until * state.max_steps)
        if stops or state.global_step >= state.max_steps:
            self.stopped_by = ""  # nothing is left to be continued here
            self._at_end = stops
            control.should_save |= stops
            control.should_training_stop |= stops
            return
        # Clocks differ between processes, and a signal reaches each in another step.
        due = any_of(bool(self.minutes and time.monotonic() - self._saved >= 60 * self.minutes))
        stop = any_of(bool(self.stopped_by))
        if stop and not self.stopped_by:
            self.stopped_by = "a signal"
        control.should_save |= due or stop
        control.should_training_stop |= stop

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Mark the checkpoint as complete and delete all but the one before."""
        wait_for_all()  # each writes its random numbers
        self._saved = time.monotonic()
        if rank() > 0:
            return
        path = self.folder / f"checkpoint-{state.global_step}"
        about = {"rows": self.history.rows(), "token_budget": self.token_budget}
        write_json(path / "history.json", about)
        files = checksums(path)
        flush(path)  # the marker must not reach the disk before what it vouches for
        ends = {"ends": True} if self._at_end else {}
        write_json(path / COMPLETE, {"key": self.key, "files": files, **ends})
        for other in self._newest_first()[KEPT:]:
            shutil.rmtree(other)

    def adopt(self, state: Path) -> None:
        """Continue what stopped before the end, unless this has checkpoints of its own.

        Raises:
            UserError: `state` is no whole folder of `move_state`.
        """
        if self.newest() is None and rank() == 0:
            copy_state(state, self.folder, self.key)
        wait_for_all()

    def keep_state(self, out: Path) -> None:
        """Move the last checkpoint into a folder, for `adopt`."""
        move_state(self._newest_first()[0], out)

    def restore(self, checkpoint: Path) -> None:
        """Continue the history, with the token budget that the run was begun with.

        What `auto` comes to depends on the memory there is, of which a second attempt may have
        more: other rows are other sums, with other last bits.
        """
        about = json.loads((checkpoint / "history.json").read_text(encoding="utf-8"))
        self.history.restore(about["rows"])
        self.token_budget = int(about["token_budget"])
