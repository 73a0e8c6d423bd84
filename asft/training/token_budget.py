"""`training.token_budget: auto`: as many tokens in a row as this machine has memory for.

Peak memory of a training step is what weights, gradients and Adam's moments take, and a straight
line in the tokens of a row, whose slope follows from the model's shape. The constants are fitted to
peaks measured in bf16, on a CPU and on an H200 (test_token_budget.py holds them).
"""

import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

from asft.config import Training
from asft.errors import UserError
from asft.models import default_device

# Longer rows gain nothing: a CPU is busy with far fewer, a GPU's kernels with these.
MOST = {"cpu": 4096, "cuda": 16384, "mps": 4096}
LEAST = 512  # never fewer: one pair must fit anyway
SHARE = {"cpu": 0.8, "cuda": 0.9, "mps": 0.8}  # of the memory there is
PER_TRAINED = {"adamw": 12, "adamw_8bit": 6}  # bytes a trained weight: gradient, two moments


class Costs(NamedTuple):
    """What memory a training step takes, in bytes."""

    base: float  # on a CPU Python, torch, transformers; on a GPU what CUDA keeps for itself
    weight: float  # fp32, and what is copied of it into bf16 at a time
    word: float  # for each of the vocabulary: logits in fp32, a chunk of tokens at a time
    width: float  # a token, for each layer and each of its hidden size
    inner: float  # and of its intermediate size
    logit: float  # a scored token, for each word of the vocabulary
    checkpoint: float  # with gradient checkpointing: kept a token, layer and hidden size


CPU = Costs(0.56e9, 5.2, 0, width=19.0, inner=9.6, logit=4.0, checkpoint=8.5)
CUDA = Costs(0.6e9, 4.0, 12_288, width=17.2, inner=5.0, logit=2.0, checkpoint=4.1)


def token_budget(training: Training, model: Any, beside: int = 0, logits: int = 1) -> int:
    """Return the largest number of tokens in a row: the setting, or what `auto` comes to here.

    `auto` is a power of two, the same on machines with roughly the same memory, so that they
    compute the same sums.

    Args:
        beside: bytes of another model that is in memory too
        logits: how many models' logits of a row are kept
    """
    if training.token_budget != "auto":
        return int(training.token_budget)
    device = default_device().type
    room = SHARE[device] * usable_memory(device) / (1 if device == "cuda" else training.processes)
    room -= beside
    budget = MOST[device]
    shape = shape_of(model)
    if training.accelerate:  # shards what the weights take
        shape = shape._replace(
            weights=shape.weights // training.processes, trained=shape.trained // training.processes
        )
    while budget > LEAST and peak(shape, budget, training, logits, device) > room:
        budget //= 2
    print(f"token_budget: auto is {budget} here", file=sys.stderr, flush=True)
    return budget


class Shape(NamedTuple):
    """Sizes of a model from which its peak memory follows."""

    weights: int
    trained: int  # of the weights
    layers: int
    width: int
    inner: int  # an MLP's
    vocabulary: int


def shape_of(model: Any) -> Shape:
    """Return the sizes of a transformers model; UserError where its config does not tell them."""
    config = model.config.get_text_config()  # of a model that also sees, its part for text
    try:
        inner = getattr(config, "intermediate_size", None) or 4 * config.hidden_size
        return Shape(
            weights=model.num_parameters(),
            trained=sum(p.numel() for p in model.parameters() if p.requires_grad),
            layers=config.num_hidden_layers,
            width=config.hidden_size,
            inner=max(inner) if isinstance(inner, list | tuple) else inner,  # one a layer
            vocabulary=config.vocab_size,
        )
    except AttributeError as error:  # BLT is several models in one
        raise UserError(
            f"token_budget: auto cannot tell how much memory a {config.model_type} takes ({error});"
            " set training.token_budget to a number of tokens, such as 2048"
        ) from None


def peak(
    shape: Shape, tokens: int, training: Training, scored: float = 1.0, device: str = "cpu"
) -> float:
    """Estimate the bytes of a training step with rows of `tokens`, a share of them `scored`."""
    costs = CUDA if device == "cuda" else CPU
    layer = costs.width * shape.width + costs.inner * shape.inner
    kept = shape.layers * layer
    if training.gradient_checkpointing:
        kept = shape.layers * costs.checkpoint * shape.width + layer
    fixed = costs.base + costs.weight * shape.weights + costs.word * shape.vocabulary
    fixed += PER_TRAINED[training.optimizer] * shape.trained
    return fixed + tokens * (kept + scored * costs.logit * shape.vocabulary)


def usable_memory(device: str = "cpu") -> int:
    """Return the bytes that this process may use: a GPU's, or the host's under cgroup and SLURM."""
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
