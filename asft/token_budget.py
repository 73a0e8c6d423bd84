"""`training.token_budget: auto`: as many tokens in a row as this machine has memory for.

Peak memory of a training step is what weights, gradients and Adam's moments take, and a straight
line in the tokens of a row, whose slope follows from the model's shape. The constants are a least
squares fit to peaks measured on a CPU in bf16 (tests/unit/test_token_budget.py holds them). On GPUs
the same formula is used, unmeasured.
"""

import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

from asft.config import Training
from asft.models import default_device

# Longer rows gain nothing: a CPU is busy with far fewer, a GPU's kernels with these.
MOST = {"cpu": 4096, "cuda": 16384, "mps": 4096}
LEAST = 512  # never fewer: one pair must fit anyway
SHARE = 0.8  # of the memory there is

BASE = 0.56e9  # bytes: Python, torch, transformers
PER_WEIGHT = 5.2  # fp32, and what is copied of it into bf16 at a time
PER_TRAINED = {"adamw": 12, "adamw_8bit": 6}  # of each that is trained: gradient, two moments
PER_WIDTH = 19.0  # bytes a token, for each layer and each of its hidden size
PER_INNER = 9.6  # and of its intermediate size
PER_LOGIT = 4.0  # bytes a scored token, for each word of the vocabulary
CHECKPOINT = 8.5  # with gradient checkpointing: bytes kept a token, layer and hidden size


def token_budget(training: Training, model: Any) -> int:
    """The setting, or what `auto` comes to for this model on this machine: a power of two.

    The same on machines with roughly the same memory, so that they compute the same sums.
    """
    if training.token_budget != "auto":
        return int(training.token_budget)
    device = default_device().type
    room = SHARE * memory(device) / (1 if device == "cuda" else training.processes)
    budget = MOST[device]
    shape = shape_of(model)
    if training.accelerate:  # shards what the weights take
        shape = shape._replace(
            weights=shape.weights // training.processes, trained=shape.trained // training.processes
        )
    while budget > LEAST and peak(shape, budget, training) > room:
        budget //= 2
    print(f"token_budget: auto is {budget} here", file=sys.stderr, flush=True)
    return budget


class Shape(NamedTuple):
    """What peak memory follows from."""

    weights: int
    trained: int  # of the weights
    layers: int
    width: int
    inner: int  # an MLP's
    vocabulary: int


def shape_of(model: Any) -> Shape:
    """The shape of a transformers model."""
    config = model.config
    return Shape(
        weights=model.num_parameters(),
        trained=sum(p.numel() for p in model.parameters() if p.requires_grad),
        layers=config.num_hidden_layers,
        width=config.hidden_size,
        inner=getattr(config, "intermediate_size", None) or 4 * config.hidden_size,
        vocabulary=config.vocab_size,
    )


def peak(shape: Shape, tokens: int, training: Training, scored: float = 1.0) -> float:
    """Bytes of a training step with rows of so many tokens, a share of them scored."""
    layer = PER_WIDTH * shape.width + PER_INNER * shape.inner
    kept = shape.layers * layer
    if training.gradient_checkpointing:
        kept = shape.layers * CHECKPOINT * shape.width + layer
    weights = PER_WEIGHT * shape.weights + PER_TRAINED[training.optimizer] * shape.trained
    return BASE + weights + tokens * (kept + scored * PER_LOGIT * shape.vocabulary)


def memory(device: str = "cpu") -> int:
    """Bytes that this process may use: the GPU's, or the machine's within a cluster's limit."""
    if device == "cuda":
        import torch

        return int(torch.cuda.get_device_properties(0).total_memory)
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    if given := os.environ.get("SLURM_MEM_PER_NODE"):
        limits.append(int(given) * 2**20)
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file() and (text := limit.read_text().strip()).isdigit():
        limits.append(int(text))
    return min(limits)
