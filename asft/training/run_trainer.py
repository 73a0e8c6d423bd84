"""The trainer of a run: its pairs, policy and reference, loaded and checked."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from transformers import set_seed

from asft.config import Training
from asft.data import TokenPair, read_tokens
from asft.errors import UserError
from asft.losses import Method, find_method
from asft.models import default_device, resolve_precision
from asft.training.dropout import without_dropout
from asft.training.loading import load_trainable
from asft.training.lora import adapt
from asft.training.movement import sums_of_bits
from asft.training.reference_logps import CachedReference
from asft.training.reference_model import OnlineReference
from asft.training.trainer import PairTrainer


def make_trainer(
    run: dict[str, Any],
    training: Training,
    model: Path,
    tokens: Path,
    reference: Path | None,
    checkpoints: Path,
) -> PairTrainer:
    """Load policy and pairs of a run.

    Raises:
        UserError: no pairs, or pairs that lack what the loss looks at.
    """
    method = find_method(run["loss"])
    pairs, heldout = (_usable(read_tokens(tokens, split), method) for split in ("train", "heldout"))
    if len(pairs) == 0:
        raise UserError(f"{tokens}: no training pairs")
    if method.needs_margin:
        _check_margins([*pairs, *heldout], tokens)
    precision = resolve_precision(training.precision)
    look_up = _reference(method, training, model, precision, chain(pairs, heldout), reference)
    set_seed(run["seed"])
    policy = load_trainable(model, training.attention, precision, chain(pairs, heldout))
    before = sums_of_bits(dict(policy.named_parameters()), saved_as(training))
    if not training.dropout:
        without_dropout(policy)
    if training.lora:
        policy = adapt(policy, training.lora)
    trainer = PairTrainer(
        policy,
        pairs,
        heldout,
        method=method,
        hyperparameters=run["hyperparameters"],
        training=training,
        precision=precision,
        seed=run["seed"],
        output_dir=str(checkpoints),
        reference=look_up,
    )
    trainer.base_bits = before
    return trainer


def _usable(pairs: Sequence[TokenPair], method: Method) -> Sequence[TokenPair]:
    """The pairs that have what a method looks at; all of them, but of rows of one completion.

    Raises:
        UserError: a row of one completion, and a method that compares two.
    """
    if method.takes_singles and method.paired:
        return pairs
    if method.paired:
        for pair in pairs:
            if not (len(pair.chosen) and len(pair.rejected)):
                raise UserError(f"row {pair.id} holds one completion, and the loss compares two")
        return pairs
    if all(len(pair.chosen) for pair in pairs):
        return pairs
    return [pair for pair in pairs if len(pair.chosen)]


def _reference(
    method: Method,
    training: Training,
    model: Path,
    precision: torch.dtype,
    pairs: Iterable[TokenPair],
    cached: Path | None,
) -> CachedReference | OnlineReference | None:
    """The reference's cached log-probabilities or, for losses that these do not serve, its model.

    Raises:
        UserError: divergences are asked of a model whose completions are computed apart.
    """
    if not method.needs_model:
        return CachedReference(cached) if cached else None
    loaded = load_trainable(model, training.attention, precision, pairs).to(default_device())
    if method.needs_divergences and loaded.apart_because:
        raise UserError(
            "the loss compares the distributions of packed tokens, and the model computes each"
            f" completion by itself: {loaded.apart_because}"
        )
    print("the reference model is loaded beside the policy", file=sys.stderr, flush=True)
    return OnlineReference(loaded, precision)


def _check_margins(pairs: list[TokenPair], tokens: Path) -> None:
    without = [pair.id for pair in pairs if math.isnan(pair.numbers.margin)]
    if without:
        raise UserError(
            f"{tokens}: the loss needs the score margin of each pair, and {len(without)} of"
            f" {len(pairs)} have none (first: {without[0]}); give the rows a column margin, or"
            " score_chosen and score_rejected (datasets.<name>.columns renames)"
        )


def saved_as(training: Training) -> torch.dtype:
    """Return the number format in which a policy's weights are saved."""
    kind: torch.dtype = getattr(torch, training.save_dtype)
    return kind
