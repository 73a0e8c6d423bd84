"""Train one policy: one method, one data set, one seed.

Reads  settings.yaml (everything the run depends on), <results>/models/{model}/,
       <results>/data/{dataset}/tokens/, reference_logps.parquet if the method needs it
Writes policy/ (safetensors, tokenizer, chat template), history.csv, cost.json
By hand: asft train --settings FILE --model DIR --tokens DIR [--reference FILE] --out DIR
"""

import resource
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
import yaml
from transformers import set_seed

from asft.attention import PAIR_ATTENTION
from asft.config import Training
from asft.errors import UserError
from asft.losses import METHODS
from asft.model_folders import load_tokenizer
from asft.models import load_policy, resolve_precision
from asft.records import write_json
from asft.reference import CachedReference
from asft.tokens import read_tokens
from asft.trainer import PairTrainer

WARM_UP_STEPS = 2  # left out of the timing: first touches of memory, kernel selection


def train(settings: Path, model: Path, tokens: Path, reference: Path | None, out: Path) -> None:
    """Train and save; a run whose loss or weights are not finite is refused."""
    run = yaml.safe_load(settings.read_text(encoding="utf-8"))
    training = Training.model_validate(run["training"])
    pairs = read_tokens(tokens, "train")
    if len(pairs) == 0:
        raise UserError(f"{tokens}: no training pairs")
    set_seed(run["seed"])
    policy = load_policy(model, torch.float32, PAIR_ATTENTION)
    with tempfile.TemporaryDirectory() as scratch:
        trainer = PairTrainer(
            policy,
            pairs,
            read_tokens(tokens, "heldout"),
            method=METHODS[run["loss"]],
            hyperparameters=run["hyperparameters"],
            training=training,
            precision=resolve_precision(training.precision),
            seed=run["seed"],
            output_dir=scratch,
            reference=CachedReference(reference) if reference else None,
        )
        began = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - began
    _refuse_broken(policy, out)
    trainer.history.write(out / "history.csv")
    write_json(out / "cost.json", {"seconds": round(seconds, 1)} | _cost(trainer, policy))
    _save(policy, model, getattr(torch, training.save_dtype), out / "policy")


def _refuse_broken(policy: torch.nn.Module, out: Path) -> None:
    broken = [name for name, p in policy.named_parameters() if not p.isfinite().all()]
    if broken:
        raise UserError(
            f"{out}: training diverged, {len(broken)} weights are not finite (first: {broken[0]}); "
            "lower training.learning_rate"
        )


def _cost(trainer: PairTrainer, policy: torch.nn.Module) -> dict[str, Any]:
    steps = [row for row in trainer.history.rows() if row["split"] == "train"]
    steady = steps[WARM_UP_STEPS:] or steps
    seconds = sum(row["seconds"] for row in steady)
    device = trainer.args.device
    if device.type == "cuda":
        peak, how = torch.cuda.max_memory_allocated(device), "torch.cuda.max_memory_allocated"
    else:
        unit = (
            1 if sys.platform == "darwin" else 1024
        )  # ru_maxrss is in KiB on Linux, bytes on macOS
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        how = "peak resident set of the whole process"
    return {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "steps": len(steps),
        "steady_steps": len(steady),
        "steady_seconds": round(seconds, 3),
        "pairs_per_second": round(sum(row["pairs"] for row in steady) / seconds, 4),
        "tokens_per_second": round(sum(row["tokens"] for row in steady) / seconds, 2),
        "peak_memory_bytes": peak,
        "peak_memory_is": how,
        "time_is": f"seconds: training with measurements; steady: optimiser steps after the first"
        f" {len(steps) - len(steady)}, without measurements",
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "precision": str(trainer.precision).removeprefix("torch."),
        "parameters": sum(p.numel() for p in policy.parameters()),
    }


def _save(policy: Any, model: Path, dtype: torch.dtype, out: Path) -> None:
    """Save whole or not at all: into a folder beside `out`, then renamed."""
    temporary = out.with_name(f".{out.name}.partial")
    shutil.rmtree(temporary, ignore_errors=True)
    policy.to(dtype).save_pretrained(temporary)
    load_tokenizer(model).save_pretrained(temporary)
    shutil.rmtree(out, ignore_errors=True)
    temporary.replace(out)
