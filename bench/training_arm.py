"""One trainer, one method, a few steps, in a process of its own; prints one line of JSON.

By hand: python bench/training_arm.py '{"who": "asft", "method": "asft", "batch": 4, "steps": 4,
    "model": "results/models/smollm2-135m-instruct", "pairs": "pairs.json"}'

`who`: asft (this project), trl_dpo_cached, trl_dpo_online, trl_orpo. All get the same pairs in the
same order, bf16 autocast over fp32 weights, 1024 tokens, fused AdamW. `checkpointing` (of
gradients), `lora` (adapters of that rank), `attention`, `token_budget`: as in the config, but for
the last two only ours has them. A model folder without weights: random ones.
"""

import json
import os
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
from transformers import AutoConfig, AutoModelForCausalLM, TrainerCallback, set_seed

from asft.models.folders import load_tokenizer
from asft.models.hardware import default_device
from asft.models.loading import load_policy
from asft.training.attention.choose import implementation
from asft.training.cost import peak_memory

RATE, BETA, SEED = 1e-5, 0.1, 0


class Clock(TrainerCallback):
    """Seconds of each optimiser step."""

    def __init__(self) -> None:
        self.steps: list[float] = []
        self.began = 0.0

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self.began = now()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.steps.append(now() - self.began)


def now() -> float:
    """Seconds, when what was asked of a GPU is done."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def policy(folder: Path, attention: str | None = None) -> Any:
    """The model in a folder, in fp32; without weights there, random ones on the GPU."""
    if any(folder.glob("*.safetensors")):
        return load_policy(folder, torch.float32, attention)
    with default_device():
        config = AutoConfig.from_pretrained(folder)
        return AutoModelForCausalLM.from_config(
            config, dtype=torch.float32, attn_implementation=attention
        )


def ours(job: dict[str, Any], rows: list[dict[str, Any]], scratch: str) -> tuple[Any, list[float]]:
    """This project's trainer; the reference, where there is one, cached and not in the time."""
    from asft.config.data import Tokens
    from asft.config.training import LoRA, Training
    from asft.data.encoding import encode_pair
    from asft.data.pair_formats import FORMATS
    from asft.losses import METHODS
    from asft.machine import keep_freed_memory
    from asft.training.lora import adapt
    from asft.training.packing import PackedByLength
    from asft.training.reference_logps import CachedReference, score_pairs, write_reference
    from asft.training.trainer import PairTrainer

    keep_freed_memory()  # as the `asft` command does
    folder = Path(job["model"])
    tokenizer, limits = load_tokenizer(folder), Tokens(max_length=MAX_LENGTH)
    pairs = [encode_pair(FORMATS["trl"](row), tokenizer, limits)[0] for row in rows]
    training = Training(
        epochs=1,
        batch_size=job["batch"],
        learning_rate=RATE,
        warmup_ratio=0.0,
        token_budget=job.get("token_budget", 4096),
        gradient_checkpointing=job.get("checkpointing", False),
        attention=job.get("attention", "auto"),
        lora=LoRA(rank=job["lora"]) if "lora" in job else None,
    )
    precision = torch.bfloat16
    attention = implementation(training.attention, default_device(), precision)
    model = policy(folder, attention)
    reference = None
    if METHODS[job["method"]].needs_reference:
        path = Path(scratch) / "reference.parquet"
        packed = PackedByLength(pairs, token_budget=training.token_budget)
        write_reference(path, score_pairs(model.to(default_device()), packed, precision))
        reference = CachedReference(path)
    trainer = PairTrainer(
        adapt(model, training.lora) if training.lora else model,
        pairs,
        [],
        method=METHODS[job["method"]],
        hyperparameters={"beta": BETA},
        training=training,
        precision=precision,
        seed=SEED,
        output_dir=scratch,
        reference=reference,
    )
    return trainer, [len(p.prompt) + len(p.chosen) + len(p.rejected) for p in pairs]


def trl(job: dict[str, Any], rows: list[dict[str, Any]], scratch: str) -> Any:
    """TRL's trainer for the method."""
    from datasets import Dataset
    from peft import LoraConfig
    from trl import DPOConfig, DPOTrainer
    from trl.experimental.orpo import ORPOConfig, ORPOTrainer

    folder, split = Path(job["model"]), job.get("split", 1)
    common: dict[str, Any] = {
        **{"per_device_train_batch_size": job["batch"] // split, "num_train_epochs": 1},
        **{"gradient_accumulation_steps": split, "beta": BETA},
        **{"learning_rate": RATE, "lr_scheduler_type": "cosine", "warmup_steps": 0},
        **{"seed": SEED, "data_seed": SEED},  # the second orders the pairs, as in ours
        **{"bf16": True, "max_length": MAX_LENGTH},
        **{"gradient_checkpointing": job.get("checkpointing", False)},
        **{"optim": "adamw_torch_fused", "report_to": "none", "logging_steps": 1},
        **{"save_strategy": "no", "dataloader_pin_memory": False, "disable_tqdm": True},
        **{"use_cpu": not torch.cuda.is_available()},
    }
    shared: dict[str, Any] = {
        "model": policy(folder),
        "train_dataset": Dataset.from_list(rows),
        "processing_class": load_tokenizer(folder),
    }
    if "lora" in job:
        rank = job["lora"]
        shared["peft_config"] = LoraConfig(
            r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM"
        )
    if job["who"] == "trl_orpo":
        return ORPOTrainer(args=ORPOConfig(scratch, **common), **shared)
    cached = job["who"] == "trl_dpo_cached"
    kind = "ipo" if job["method"] == "ipo" else "sigmoid"
    args = DPOConfig(scratch, loss_type=kind, precompute_ref_log_probs=cached, **common)
    reference = None if cached or "lora" in job else policy(folder)
    return DPOTrainer(args=args, ref_model=reference, **shared)


def run(job: dict[str, Any]) -> dict[str, Any]:
    """What the arm took: seconds of steps, losses, peak memory in GB."""
    rows = json.loads(Path(job["pairs"]).read_text(encoding="utf-8"))[: job["batch"] * job["steps"]]
    set_seed(SEED)
    clock = Clock()
    with tempfile.TemporaryDirectory() as scratch:
        trainer = ours(job, rows, scratch)[0] if job["who"] == "asft" else trl(job, rows, scratch)
        trainer.add_callback(clock)
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return {
        "seconds": [round(seconds, 4) for seconds in clock.steps],
        "losses": [round(float(loss), 4) for loss in losses],
        "peak_gb": round(peak_memory(default_device())[0] / 1e9, 3),
    }


if __name__ == "__main__":
    print(json.dumps(run(json.loads(sys.argv[1]))))
