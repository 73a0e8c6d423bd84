"""One trainer, one method, a few steps, in a process of its own; prints one line of JSON.

By hand: python bench/training_arm.py '{"who": "asft", "method": "asft", "batch": 4, "steps": 4,
    "model": "results/models/smollm2-135m-instruct", "pairs": "pairs.json"}'

`who`: asft (this project), trl_dpo_cached, trl_dpo_online, trl_orpo. All get the same pairs in the
same order, bf16 autocast over fp32 weights, 1024 tokens, fused AdamW, no gradient checkpointing.
"""

import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
if '"who": "asft"' in sys.argv[-1]:
    import asft.cli  # noqa: F401 - sets what the `asft` command sets before torch reads it

import torch
from flops import MAX_LENGTH
from transformers import TrainerCallback, set_seed

from asft.model_folders import load_tokenizer
from asft.models import load_policy

RATE, BETA, SEED = 1e-5, 0.1, 0


class Clock(TrainerCallback):
    """Seconds of each optimiser step."""

    def __init__(self) -> None:
        self.steps: list[float] = []
        self.began = 0.0

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self.began = time.perf_counter()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.steps.append(time.perf_counter() - self.began)


def ours(job: dict[str, Any], rows: list[dict[str, Any]], scratch: str) -> tuple[Any, list[float]]:
    """This project's trainer; the reference, where there is one, cached and not in the time."""
    from asft.allocator import keep_freed_memory
    from asft.attention import PAIR_ATTENTION
    from asft.config import Tokens, Training
    from asft.formats import FORMATS
    from asft.losses import METHODS
    from asft.reference import CachedReference, score_pairs, write_reference
    from asft.tokens import encode_pair
    from asft.trainer import PairTrainer, packed_by_length

    keep_freed_memory()  # as the `asft` command does
    folder = Path(job["model"])
    tokenizer, limits = load_tokenizer(folder), Tokens(max_length=MAX_LENGTH)
    pairs = [encode_pair(FORMATS["trl"](row), tokenizer, limits)[0] for row in rows]
    policy = load_policy(folder, torch.float32, PAIR_ATTENTION)
    training = Training(
        epochs=1,
        batch_size=job["batch"],
        learning_rate=RATE,
        warmup_ratio=0.0,
        token_budget=job.get("token_budget", 4096),
    )
    reference = None
    if METHODS[job["method"]].needs_reference:
        path = Path(scratch) / "reference.parquet"
        packed = packed_by_length(pairs, training.token_budget)
        write_reference(path, score_pairs(policy, packed, torch.bfloat16))
        reference = CachedReference(path)
    trainer = PairTrainer(
        policy,
        pairs,
        [],
        method=METHODS[job["method"]],
        hyperparameters={"beta": BETA},
        training=training,
        precision=torch.bfloat16,
        seed=SEED,
        output_dir=scratch,
        reference=reference,
    )
    return trainer, [len(p.prompt) + len(p.chosen) + len(p.rejected) for p in pairs]


def trl(job: dict[str, Any], rows: list[dict[str, Any]], scratch: str) -> Any:
    """TRL's trainer for the method."""
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer
    from trl.experimental.orpo import ORPOConfig, ORPOTrainer

    folder, split = Path(job["model"]), job.get("split", 1)
    common: dict[str, Any] = {
        **{"per_device_train_batch_size": job["batch"] // split, "num_train_epochs": 1},
        **{"gradient_accumulation_steps": split, "beta": BETA},
        **{"learning_rate": RATE, "lr_scheduler_type": "cosine", "warmup_steps": 0},
        **{"seed": SEED, "data_seed": SEED},  # the second orders the pairs, as in ours
        **{"bf16": True, "gradient_checkpointing": False, "max_length": MAX_LENGTH},
        **{"optim": "adamw_torch_fused", "report_to": "none", "logging_steps": 1},
        **{"save_strategy": "no", "dataloader_pin_memory": False, "disable_tqdm": True},
        **{"use_cpu": not torch.cuda.is_available()},
    }
    shared: dict[str, Any] = {
        "model": load_policy(folder, torch.float32),
        "train_dataset": Dataset.from_list(rows),
        "processing_class": load_tokenizer(folder),
    }
    if job["who"] == "trl_orpo":
        return ORPOTrainer(args=ORPOConfig(scratch, **common), **shared)
    cached = job["who"] == "trl_dpo_cached"
    kind = "ipo" if job["method"] == "ipo" else "sigmoid"
    args = DPOConfig(scratch, loss_type=kind, precompute_ref_log_probs=cached, **common)
    reference = None if cached else load_policy(folder, torch.float32)
    return DPOTrainer(args=args, ref_model=reference, **shared)


def main() -> None:
    """Run the arm and print what it took."""
    job = json.loads(sys.argv[1])
    rows = json.loads(Path(job["pairs"]).read_text(encoding="utf-8"))[: job["batch"] * job["steps"]]
    set_seed(SEED)
    clock = Clock()
    with tempfile.TemporaryDirectory() as scratch:
        trainer = ours(job, rows, scratch)[0] if job["who"] == "asft" else trl(job, rows, scratch)
        trainer.add_callback(clock)
        trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    found = {
        "seconds": [round(seconds, 3) for seconds in clock.steps],
        "losses": [round(float(loss), 4) for loss in losses],
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9, 3),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
