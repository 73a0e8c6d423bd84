"""Measure training for Figure 2(b): a few steps of one arm, in a process of its own.

dpo_online  DPO with the reference model in memory beside the policy, in the precision of training
dpo_cached  DPO with the reference's log-probabilities computed before, in a process of their own;
            what that took stands apart
asft        no reference

All arms: the same pairs in the same order, the same trainer; only loss and reference differ.

Reads  <results>/models/{model}/, <results>/data/{dataset}/tokens
Writes <results>/cost/{dataset}/{arm}/repeat{n}.json
By hand: asft measure-cost --settings JSON --arm asft --repeat 0 --model DIR --tokens DIR --out FILE
"""

import multiprocessing
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from transformers import set_seed

from asft.config import Section, Training
from asft.data import TokenPair, read_tokens
from asft.errors import UserError
from asft.files import write_json
from asft.losses import METHODS
from asft.machine import keep_freed_memory
from asft.models import default_device, load_policy, resolve_precision
from asft.training.attention.choose import implementation
from asft.training.cost import cost_of
from asft.training.packing import packed_by_length
from asft.training.reference import CachedReference, OnlineReference, score_pairs, write_reference
from asft.training.token_budget import token_budget
from asft.training.trainer import PairTrainer

KEPT = ["steps", "peak_memory_bytes", "peak_memory_is", "device", "threads", "precision"]
KEPT += ["parameters", "tokens_per_second"]


class Settings(Section):
    """Settings of one measurement: this step's part of the config."""

    training: Training
    hyperparameters: dict[str, float]
    steps: int
    seed: int


def measure_training_cost(
    settings_json: str, arm: str, repeat: int, model: Path, tokens: Path, out: Path
) -> None:
    """Train `steps` optimiser steps of `arm` and write what a pair took.

    Raises:
        UserError: there are no training pairs.
    """
    settings = Settings.model_validate_json(settings_json)
    training = settings.training.model_copy(update={"epochs": 1})
    known = read_tokens(tokens, "train")
    if len(known) == 0:
        raise UserError(f"{tokens}: no training pairs")
    pairs = list(islice(cycle(known), settings.steps * training.batch_size))
    precision = resolve_precision(training.precision)
    with tempfile.TemporaryDirectory() as scratch:
        reference, seconds = _reference(arm, model, pairs, training, precision, scratch)
        set_seed(settings.seed)
        attention = implementation(training.attention, default_device(), precision)
        policy = load_policy(model, torch.float32, attention)
        trainer = PairTrainer(
            policy,
            pairs,
            [],
            method=METHODS["asft" if arm == "asft" else "dpo"],
            hyperparameters=settings.hyperparameters,
            training=training,
            precision=precision,
            seed=settings.seed,
            output_dir=scratch,
            reference=reference,
        )
        trainer.train()
    cost = cost_of(trainer)
    about = {"arm": arm, "repeat": repeat, "pairs": len(pairs)}
    about["seconds_per_pair"] = round(1 / cost["pairs_per_second"], 5)
    about["reference_seconds_per_pair"] = round(seconds / len(pairs), 5)
    if torch.cuda.is_available():
        about["peak_reserved_bytes"] = torch.cuda.max_memory_reserved()
    write_json(out, about | {name: cost[name] for name in KEPT})


def _reference(
    arm: str,
    model: Path,
    pairs: list[TokenPair],
    training: Training,
    precision: torch.dtype,
    scratch: str,
) -> tuple[Any, float]:
    """The arm's reference, and the seconds that computing it beforehand took."""
    if arm == "asft":
        return None, 0.0
    if arm == "dpo_online":
        attention = implementation(training.attention, default_device(), precision)
        loaded = load_policy(model, precision, attention).to(default_device())
        return OnlineReference(loaded, precision), 0.0
    different = list({pair.id: pair for pair in pairs}.values())
    # A process of its own, gone before training starts: its peak of memory is not training's.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as apart:
        table, seconds = apart.submit(_cache, model, different, training, precision).result()
    path = Path(scratch) / "reference_logps.parquet"
    write_reference(path, table)
    return CachedReference(path), seconds * len(pairs) / len(different)


def _cache(
    model: Path, pairs: list[TokenPair], training: Training, precision: torch.dtype
) -> tuple[pa.Table, float]:
    """The reference's log-probabilities, and the seconds that they took once it was loaded."""
    keep_freed_memory()
    device = default_device()
    attention = implementation(training.attention, device, precision)
    base = load_policy(model, torch.float32, attention).to(device)
    rows = packed_by_length(pairs, token_budget(training, base))
    began = time.perf_counter()
    table = score_pairs(base, rows, precision)
    return table, time.perf_counter() - began
