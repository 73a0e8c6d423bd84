"""When the held-out pairs are measured."""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback


class Measure(TrainerCallback):
    """Measures before the first step, every `measure_every` steps or each epoch, and last."""

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        # Where an epoch ends its checkpoint is older than its measurement.
        ended = not self.trainer.training.measure_every and float(state.epoch or 0).is_integer()
        if state.global_step == 0 or ended:
            self._measure(state)
        if self.trainer.live:
            self.trainer.live.begin(state)

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.trainer.live:  # now that all is known of the step before, and off the clock
            self.trainer.live.update(state)
        self.trainer.history.begin_step()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.trainer.history.stop_clock(args.device)
        every = self.trainer.training.measure_every
        if every and state.global_step % every == 0:
            self._measure(state)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if not self.trainer.training.measure_every:
            self._measure(state)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step >= state.max_steps:  # otherwise interrupted, in a hurry
            self._measure(state)
        if self.trainer.live:
            self.trainer.live.end(state)

    def _measure(self, state: Any) -> None:
        if self.trainer.heldout and not self.trainer.history.measured(state.global_step):
            self.trainer.measure()
