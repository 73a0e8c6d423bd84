"""What makes trainers comparable, ours and TRL's: schedule, records, measurement of held-out pairs.

The measurement scores both completions of each pair, whatever the method looks at.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor
from transformers import Trainer

from asft.config import Training
from asft.data import TokenPair
from asft.losses import Method, PairLogps
from asft.training.batch_loss import Seen, batch_parts, places_of
from asft.training.history import History
from asft.training.live import Live
from asft.training.looking import Reference, look
from asft.training.mismatched import Mismatched
from asft.training.movement import refuse_diverged
from asft.training.packing import PackedByLength, PackedRow
from asft.training.reporting import Reporter, metrics_of
from asft.training.schedule import warmed_cosine


class ComparableTrainer(Trainer):
    """A trainer with our schedule, which writes down steps and held-out losses in `history`."""

    policy: Any
    method: Method
    hyperparameters: dict[str, Any]
    reference: Reference | None = None  # TRL's trainers have their own
    training: Training
    precision: torch.dtype
    token_budget: int
    heldout: Sequence[TokenPair]
    history: History
    live: Live | None = None  # where it can be watched, in the first process
    reporters: Sequence[Reporter] = ()  # what else it can be followed in
    step_pairs: Sequence[str] = ()  # ids of the pairs of the step at hand
    base_bits: dict[str, int]  # of the weights that training begins with
    work: Counter[str]  # rows, pairs and tokens that this process has trained on
    how: Mapping[str, Any] = MappingProxyType({})  # what is unlike an ordinary run, for cost.json

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """Return the schedule of the learning rate, in which no step has 0."""
        if self.lr_scheduler is None:
            warmup = self.args.get_warmup_steps(num_training_steps)
            chosen: Any = optimizer or self.optimizer
            self.lr_scheduler = warmed_cosine(chosen, warmup, num_training_steps)
        return self.lr_scheduler

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log a step, with its learning rate and gradient norm in the history too.

        Raises:
            UserError: the step's loss or gradient is not finite. Raised here, where both are plain
                numbers already, and before anything of this step is saved.
        """
        refuse_diverged(logs, self.state.global_step, self.step_pairs, self.training)
        self.history.annotate(self.state.global_step, logs)
        if self.reporters and "loss" in logs:  # of a step; the last one is of the whole training
            logs |= metrics_of(self.history.newest("train"))
        super().log(logs, start_time)

    def measure(self) -> None:
        """Score the held-out pairs as the model stands, both completions whatever the method."""
        model: Any = self.model
        model.eval()
        seen, rows = self._scored(model, self.heldout)
        losses = self._heldout_losses(model, seen)
        for row, its, (_, policy, _) in zip(rows, losses, seen, strict=True):
            self.history.add_row(its, policy, row)
        self.history.end_step(self.state.global_step, split="heldout")
        for reporter in self.reporters:  # not by `log`, which would take a step's own for done
            found = metrics_of(self.history.newest("heldout"))
            reporter.on_log(self.args, self.state, self.control, logs=found, model=model)
        model.train()

    def restore(self, checkpoint: Path) -> None:
        """Take up what the loss remembers of earlier steps, if it does."""

    def own_autocast(self) -> Any:
        """Return autocast to `precision`: accelerate's would copy the logits to fp32 as a whole."""
        if self.precision == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.args.device.type, self.precision)

    def _look(self, model: torch.nn.Module, row: Any) -> tuple[PairLogps, PairLogps | None]:
        return look(model, row, self.method, self.reference)

    def _loss(self, policy: PairLogps, reference: PairLogps | None) -> Tensor:
        losses = self.method.loss(policy, reference, **self.hyperparameters)
        return losses if policy.numbers is None else losses * policy.numbers.weight

    def _heldout_losses(self, model: Any, seen: list[Seen]) -> list[Tensor]:
        if self.method.looks_at == "batch":  # all held-out pairs are one
            others = None
            if self.method.needs_mismatched:
                others, _ = self._scored(model, Mismatched(self.heldout))
            count, device = len(self.heldout), self.args.device
            parts = batch_parts(self._loss, seen, count, device, others)
            return [part.values for part in parts]
        return [self._loss(policy, reference) for _, policy, reference in seen]

    def _scored(self, model: Any, pairs: Sequence[TokenPair]) -> tuple[list[Seen], list[PackedRow]]:
        """Compute this process's share of the rows of `pairs`, without gradient."""
        prompt = self.method.needs_prompt
        rows = list(PackedByLength(pairs, token_budget=self.token_budget, with_prompt=prompt))
        size, first, places = self.args.world_size, self.args.process_index, places_of(rows)
        seen, mine = [], []
        for number in range(0, len(rows), size):
            counts = number + first < len(rows)
            row: Any = self._prepare_input(rows[number + first if counts else number])
            with torch.no_grad(), self.own_autocast():
                policy, reference = self._look(model, row)
            if counts:
                seen.append(Seen(places[number + first], policy, reference))
                mine.append(row)
        return seen, mine
