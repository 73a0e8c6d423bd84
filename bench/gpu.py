"""What the GPU path does on a GPU: speed and memory, also TRL's; rows are added to gpu.jsonl.

By hand: python bench/gpu.py small large peers full memory profile generation
Models have real shapes and random weights (speed does not depend on them), so nothing but the
default model's tokenizer is needed, which `make demo` puts into results/models.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import asft.cli  # noqa: F401 - sets what the `asft` command sets before torch reads it

# isort: split
from flops import peak_flops
from gpu_bench import Bench
from gpu_stages import generation, memory, profile


def peaks(bench: Bench) -> None:
    """What the card can do."""
    fp32 = peak_flops("float32", "cuda")
    bench.say(stage="peaks", bf16_tflops=bench.peak / 1e12, fp32_tflops=fp32 / 1e12)


def small(bench: Bench) -> None:
    """135M parameters, all trained, against TRL."""
    for pairs, batch, steps in (("uf", 32, 5), ("hh", 8, 10), ("hh", 32, 8)):
        job: dict[str, Any] = {"batch": batch, "steps": steps}
        for method in ("dpo", "orpo", "asft"):
            bench.arm("small", "135m", pairs, who="asft", method=method, attention="flash", **job)
        for method, who in (("dpo", "trl_dpo_cached"), ("orpo", "trl_orpo")):
            bench.arm("small", "135m", pairs, who=who, method=method, **job)


def kinds(bench: Bench) -> None:
    """Ways to attend, and our fused parts or transformers' own."""
    job: dict[str, Any] = {"who": "asft", "method": "asft", "batch": 8, "steps": 10}
    for attention in ("flash", "pairs", "flex"):
        for fused in (True, False):
            bench.arm("kinds", "135m", "hh", fused, attention=attention, **job)


LARGE: dict[str, Any] = {"batch": 4, "steps": 12, "lora": 16, "checkpointing": True}


def large(bench: Bench) -> None:
    """8B parameters, adapters trained; batch 4 as in the paper."""
    for method in ("asft", "dpo"):
        bench.arm("large", "8b", "uf", who="asft", method=method, attention="flash", **LARGE)


def peers(bench: Bench) -> None:
    """The same by TRL."""
    for method, who in (("dpo", "trl_dpo_online"), ("orpo", "trl_orpo")):
        bench.arm("large", "8b", "uf", who=who, method=method, **LARGE)


def full(bench: Bench) -> None:
    """8B parameters, all trained on one card of 141 GB: what the paper trains."""
    job: dict[str, Any] = {"batch": 4, "steps": 6, "checkpointing": True, "attention": "flash"}
    for method in ("asft", "dpo"):
        bench.arm("full", "8b", "uf", who="asft", method=method, **job)


STAGES = {
    f.__name__: f for f in (peaks, small, kinds, large, peers, full, memory, profile, generation)
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stages", nargs="+", choices=STAGES)
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch))
        for stage in parser.parse_args().stages:
            STAGES[stage](bench)
