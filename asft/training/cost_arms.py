"""The arms of Figure 2(b), measured in this process.

dpo_online  DPO with the reference model in memory beside the policy, in the precision of training
dpo_cached  DPO with the reference's log-probabilities computed before, in a process of their own;
            what that took stands apart
dpo_trl     DPO by TRL's own trainer, which computes and keeps the reference's log-probabilities
asft        no reference

All arms: the same pairs in the same order. All but TRL's: the same trainer; only loss and reference
differ.
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

from asft.config import Training
from asft.data import TokenPair, read_tokens
from asft.errors import UserError
from asft.losses import METHODS
from asft.machine import keep_freed_memory
from asft.models import default_device, load_tokenizer, resolve_precision
from asft.training.by_trl import trl_trainer
from asft.training.comparable import ComparableTrainer
from asft.training.cost import cost_of
from asft.training.loading import load_trainable, load_unpacked
from asft.training.packing import PackedByLength
from asft.training.reference_logps import (
    CachedReference,
    score_pairs,
    write_reference,
)
from asft.training.reference_model import OnlineReference
from asft.training.token_budget import token_budget
from asft.training.trainer import PairTrainer

KEPT = ["steps", "peak_memory_bytes", "peak_memory_is", "device", "threads", "precision"]
KEPT += ["parameters", "tokens_per_second"]


def measure_arm(
    arm: str,
    model: Path,
    tokens: Path,
    training: Training,
    hyperparameters: dict[str, float],
    steps: int,
    seed: int,
) -> dict[str, Any]:
    """Train a few steps of an arm in this process; return what a pair took.

    Raises:
        UserError: there are no training pairs.
    """
    training = training.model_copy(update={"epochs": 1})
    known = read_tokens(tokens, "train")
    if len(known) == 0:
        raise UserError(f"{tokens}: no training pairs")
    pairs = list(islice(cycle(known), steps * training.batch_size))
    precision = resolve_precision(training.precision)
    with tempfile.TemporaryDirectory() as scratch:
        common: dict[str, Any] = {"hyperparameters": hyperparameters, "training": training}
        common |= {"precision": precision, "seed": seed, "output_dir": scratch}
        trainer: ComparableTrainer
        if arm == "dpo_trl":
            set_seed(seed)
            policy, tokenizer = load_unpacked(model, pairs), load_tokenizer(model)
            trainer = trl_trainer(policy, pairs, [], "dpo", tokenizer, **common)
            seconds = trainer.how["reference_seconds"]
        else:
            reference, seconds = _reference(arm, model, pairs, training, precision, scratch)
            set_seed(seed)
            policy = load_trainable(model, training.attention, precision, pairs)
            method = METHODS["asft" if arm == "asft" else "dpo"]
            trainer = PairTrainer(policy, pairs, [], method=method, reference=reference, **common)
        trainer.train()
    cost = cost_of(trainer)
    about: dict[str, Any] = {"pairs": len(pairs)}
    about["seconds_per_pair"] = round(1 / cost["pairs_per_second"], 5)
    about["reference_seconds_per_pair"] = round(seconds / len(pairs), 5)
    if torch.cuda.is_available():
        about["peak_reserved_bytes"] = torch.cuda.max_memory_reserved()
    return about | {name: cost[name] for name in KEPT}


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
        loaded = load_trainable(model, training.attention, precision, pairs, precision)
        loaded = loaded.to(default_device())
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
    base = load_trainable(model, training.attention, precision, pairs).to(device)
    rows = PackedByLength(pairs, token_budget=token_budget(training, base))
    began = time.perf_counter()
    table = score_pairs(base, rows, precision)
    return table, time.perf_counter() - began
