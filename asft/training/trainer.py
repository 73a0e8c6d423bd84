"""The trainer: every method in one loop, so that methods differ in their loss and in nothing else.

A `transformers.Trainer` whose batch is one optimiser step's pairs, already packed into rows. Rows
are backpropagated one after another, each weighted by its share of the pairs, so the gradient is
the mean over the batch however the pairs were packed, and memory is bounded by the longest row.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from accelerate.data_loader import prepare_data_loader
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import PreTrainedModel

from asft.config import Training
from asft.data import TokenPair
from asft.losses import Method, PairLogps
from asft.processes import is_worker
from asft.training.arguments import training_arguments
from asft.training.batch_loss import look_ahead
from asft.training.carried import Carried
from asft.training.comparable import ComparableTrainer
from asft.training.distributed import share_out
from asft.training.fused import add_rows_in_place, fuse
from asft.training.history import History
from asft.training.looking import Reference
from asft.training.measuring import Measure
from asft.training.mismatched import Mismatched
from asft.training.packing import PackedRow, pack
from asft.training.reference_model import OnlineReference
from asft.training.token_budget import token_budget


class PairTrainer(ComparableTrainer):
    """Trains `model` on `pairs` by `method`; `history` holds what was seen on the way."""

    def __init__(
        self,
        model: PreTrainedModel,
        pairs: Sequence[TokenPair],
        heldout: Sequence[TokenPair],
        *,
        method: Method,
        hyperparameters: dict[str, Any],
        training: Training,
        precision: torch.dtype,
        seed: int,
        output_dir: str,
        reference: Reference | None = None,
    ) -> None:
        if method.needs_reference and reference is None:
            raise ValueError(f"{method.loss.__name__} needs reference log-probabilities")
        self.method, self.hyperparameters, self.reference = method, hyperparameters, reference
        self.policy, self.training, self.precision = model, training, precision
        beside = reference.size if isinstance(reference, OnlineReference) else 0
        logits = 2 if method.needs_divergences else 1
        self.token_budget = token_budget(training, model, beside, logits)
        self.carried = Carried(method, hyperparameters, reference, model)
        self.heldout, self.history = heldout, History()
        self.base_bits = {}
        self.mismatched = Mismatched(pairs if method.needs_mismatched else [])
        self.work = Counter(rows=0, pairs=0, tokens=0)
        super().__init__(
            model=model,
            args=training_arguments(training, seed, output_dir),
            train_dataset=pairs,
            data_collator=self._collate,
            callbacks=[Measure(self), self.carried],
        )
        if not training.accelerate:  # sharding takes weights out of the modules that compute
            fuse(model)  # now that the model is on its device
            if not is_worker():  # several average what passes through autograd
                add_rows_in_place(model)

    def _collate(self, pairs: Sequence[TokenPair]) -> dict[str, Any]:
        """A step's rows, and those of its mismatched completions if the method asks for them."""
        batch = self._rows(pairs)
        if self.method.needs_mismatched:
            batch["mismatched"] = self._rows(self.mismatched.of(pairs))
        return batch

    def _rows(self, pairs: Sequence[TokenPair]) -> dict[str, Any]:
        """This process's rows of a step's pairs.

        Every process computes as many rows, since all of them meet in each: where one has fewer, it
        repeats a short one, with weight 0.
        """
        shares = [self._pack(share) for share in share_out(pairs, self.args.world_size)]
        rows = shares[self.args.process_index]
        short = min((row for share in shares for row in share), key=lambda r: r["input_ids"].shape)
        fillers = max(map(len, shares)) - len(rows)
        before = sum(
            len(row["ids"]) for share in shares[: self.args.process_index] for row in share
        )
        found = {"rows": [*rows, *[short] * fillers], "counted": len(rows), "pairs": len(pairs)}
        return found | {"before": before}  # pairs of the processes before this one

    def _pack(self, pairs: Sequence[TokenPair]) -> list[PackedRow]:
        return pack(
            pairs,
            self.token_budget,
            paired=self.method.paired,
            with_prompt=self.method.needs_prompt,
        )

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Return whole batches in every process, ordered as in one; `_collate` shares them."""
        if self.args.world_size == 1:
            return super().get_train_dataloader()
        loader = DataLoader(
            cast(Any, self.train_dataset),
            batch_size=self.training.batch_size,
            sampler=self._get_train_sampler(),
            collate_fn=self._collate,
        )
        seed = self.accelerator.dataloader_config.data_seed
        whole: DataLoader[Any] = prepare_data_loader(
            loader, num_processes=1, process_index=0, use_seedable_sampler=True, data_seed=seed
        )
        return whole

    def autocast_smart_context_manager(self, cache_enabled: bool | None = True) -> Any:
        """Return our own autocast, in place of accelerate's."""
        return self.own_autocast()

    def training_step(
        self, model: torch.nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None
    ) -> Tensor:
        """Compute the gradient of the mean loss over the batch's pairs, row by row."""
        model.train()
        batch: Any = self._prepare_inputs(inputs)
        rows, counted = batch["rows"], batch["counted"]
        self.step_pairs = [pair for row in rows for pair in row["ids"]]
        if self._needs_all_rows(batch):
            with self.compute_loss_context_manager():
                look_ahead(batch, partial(self._look, model), self._step_loss, self.args.device)
        # Gradients and losses are averaged over the processes, each of which has a share.
        pairs = batch["pairs"] / self.args.world_size
        total = torch.zeros((), device=self.args.device)
        for number, row in enumerate(rows):
            last = number == len(rows) - 1
            with contextlib.nullcontext() if last else self.accelerator.no_sync(model):
                with self.compute_loss_context_manager():
                    losses, policy = self.compute_loss(model, row, return_outputs=True)
                loss = losses.sum() / pairs if number < counted else losses.sum() * 0
                self.accelerator.backward(loss)
            if number < counted:
                self.history.add_row(losses, policy, row)
                self.work.update(rows=1, pairs=len(row["ids"]), tokens=row["tokens"])
            total += loss.detach()
        self.history.end_step(self.state.global_step + 1)
        return total

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: Any,
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Compute one packed row's loss: a value per pair, and the log-probabilities behind it."""
        policy, reference = self._look(model, inputs)
        part = inputs.get("part")
        losses = part.losses(policy) if part else self._loss(policy, reference)
        return (losses, policy) if return_outputs else losses.mean()

    def restore(self, checkpoint: Path) -> None:
        """Take up what the loss remembers of earlier steps: a running mean, a moved reference."""
        self.carried.restore(checkpoint)

    def _step_loss(self, policy: PairLogps, reference: PairLogps | None) -> Tensor:
        """The loss of all pairs of a step, which later steps may remember."""
        losses = self._loss(policy, reference)
        self.carried.take(policy, reference)
        return losses

    def _loss(self, policy: PairLogps, reference: PairLogps | None) -> Tensor:
        if self.method.running is not None:
            policy = policy._replace(running=self.carried.running(policy.chosen.sum))
        return super()._loss(policy, reference)

    def _needs_all_rows(self, batch: Any) -> bool:
        alone = len(batch["rows"]) == self.args.world_size == 1
        always = self.method.needs_mismatched or self.method.running is not None
        return always or (self.method.looks_at == "batch" and not alone)
