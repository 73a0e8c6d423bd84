"""Trackers that a training can be followed in, told what `history.csv` will hold.

TensorBoard's files are written here, all others are transformers' own callbacks, which read key,
project and address from the environment as their libraries do. A tracker that cannot begin ends the
training before its first step; one that fails later costs its view alone.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from transformers import TrainerCallback
from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK, rewrite_logs

from asft.errors import UserError
from asft.training.distributed import rank
from asft.training.history import WRITTEN, History

FOLDER = "tensorboard"  # in the run's: no declared output, so nothing is made again for it
FLUSH_S = 5.0  # each flush waits for the disk
EVENTS = [name for name in dir(TrainerCallback) if name.startswith("on_")]


class Reporter(TrainerCallback):
    """Passes a training's events on to a tracker for as long as it takes them."""

    def __init__(self, name: str, tracker: TrainerCallback) -> None:
        self._name, self._begun = name, False
        self._tracker: TrainerCallback | None = tracker
        for event in EVENTS:
            setattr(self, event, partial(self._pass_on, event))

    def _pass_on(self, event: str, *about: Any, **given: Any) -> None:
        """Tell the tracker of an event; of the beginning once, before anything that is logged.

        Raises:
            UserError: the tracker fails before the first step.
        """
        if event == "on_log" and not self._begun:
            self._pass_on("on_train_begin", *about, **given)
        if self._tracker is None or (event == "on_train_begin" and self._begun):
            return
        try:
            getattr(self._tracker, event)(*about, **given)
        except Exception as error:  # of whatever library
            if not self._begun:
                raise _unusable(self._name, error) from error
            self._tracker = None
            said = f"{_unusable(self._name, error)}; the training goes on without it"
            print(said, file=sys.stderr, flush=True)
        self._begun |= event == "on_train_begin"


class EventFiles(TrainerCallback):
    """Writes the rows of a history for TensorBoard, those of an interrupted run again.

    One thread: tensorboardX's own SummaryWriter waits for ever once its thread met a full disk.
    """

    def __init__(self, folder: Path, history: History) -> None:
        """Write into `folder`, which holds nothing else."""
        self._folder, self._history = folder, history
        self._writer: Any = None  # none in other processes than the first
        self._rows, self._flushed = 0, 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Open the file."""
        from tensorboardX.event_file_writer import EventsWriter

        if state.is_world_process_zero:
            self._folder.mkdir(parents=True)
            self._writer = EventsWriter(str(self._folder / "events"))

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Write the rows to which nothing is added any more, off the step's clock."""
        if self._writer:
            self._write(before=state.global_step)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Write what is left."""
        if self._writer:
            self._write(before=state.global_step + 1)
            self._writer.close()

    def _write(self, before: int) -> None:
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.summary import Summary

        for row in self._history.rows(self._rows):
            if row["step"] >= before:
                break
            scalars = rewrite_logs(metrics_of(row))  # type: ignore[no-untyped-call]
            values = [Summary.Value(tag=name, simple_value=scalars[name]) for name in scalars]
            about = {"wall_time": time.time(), "step": row["step"]}
            self._writer.write_event(Event(summary=Summary(value=values), **about))
            self._rows += 1
        if time.monotonic() - self._flushed >= FLUSH_S:
            self._writer.flush()
            self._flushed = time.monotonic()


def metrics_of(row: Mapping[str, Any]) -> dict[str, float]:
    """Return what `history.csv` has in a row, by the names that trackers know.

    Of held-out pairs they begin with transformers' `eval_`, which is shown as a group of its own.
    """
    prefix = "eval_" if row["split"] == "heldout" else ""
    numbers = {name: row[name] for name in WRITTEN[2:] if name in row}  # behind step and split
    return {prefix + k: value for k, value in numbers.items() if value == value}  # not NaN: empty


def report(trainer: Any, names: Iterable[str], out: Path, run: Mapping[str, Any]) -> None:
    """Let a training be followed in trackers, where its name is {dataset}/{method}/seed{seed}.

    Args:
        names: transformers' for them
        out: the run's folder
        run: its settings

    Raises:
        UserError: a tracker lacks what it needs, such as a key.
    """
    if rank() == 0:  # of an earlier training, or written again
        shutil.rmtree(out / FOLDER, ignore_errors=True)
    named = [run[key] for key in ("dataset", "method") if key in run]
    trainer.args.run_name = "/".join([*named, f"seed{run['seed']}"])
    for name in names:
        if name == "tensorboard":
            tracker: Any = EventFiles(out / FOLDER, trainer.history)
        else:
            try:
                tracker = INTEGRATION_TO_CALLBACK[name]()
            except Exception as error:  # of whatever library
                raise _unusable(name, error) from error
        reporter = Reporter(name, tracker)
        # Behind the one that measures: whatever ends with the training is told of the last row.
        trainer.add_callback(reporter)
        reporter.on_init_end(trainer.args, trainer.state, trainer.control)  # the trainer has been
        trainer.reporters = [*trainer.reporters, reporter]


def _unusable(name: str, error: Exception) -> UserError:
    return UserError(f"training.report_to: {name}: {' '.join(str(error).split())}")
