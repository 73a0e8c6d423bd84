"""What a job computes, in floating-point operations, and what that takes: time, memory, disk.

A forward pass takes two operations a parameter and token, a backward pass twice as many. Speeds
and sizes beside the parameters are those of jobs that were measured
(tests/unit/planning/measured_jobs.csv): on 2 cores of an EPYC that compute in bf16, and on an H200
(docs/performance.md). What was measured in the same folder stands above them.
"""

import math
from typing import NamedTuple

FORWARD = 2  # operations a parameter and token
BACKWARD = 4
# With adapters, gradients pass through the weights, but none of the weights is computed.
BACKWARD_THROUGH = 2
# TRL computes prompts twice and pads a whole step: so many times the time and the memory of ours.
BY_TRL = 2.5
START_S = 5.0  # from a command to its first operation, with torch and a model
SMALL_S = 1.5  # a whole job that computes with no model
FETCH_S = 150.0  # to import a model, for a billion parameters; a download comes to it
# Operations a second: of a core, of a GPU. Training has its optimiser and its gradients' casts
# beside; decoding waits for memory more than for arithmetic.
TRAINING = {"cpu": 115e9, "gpu": 200e12}
READING = {"cpu": 140e9, "gpu": 200e12}
JUDGING = {"cpu": 350e9, "gpu": 200e12}  # reading by asft/models/plain.py, one prompt after another
DECODING = {"cpu": 45e9, "gpu": 30e12}


class Speed(NamedTuple):
    """On what a job computes: so many cores, or GPUs where there are any."""

    cores: int
    gpus: int = 0

    def of(self, rates: dict[str, float]) -> float:
        """Return operations a second, by the rates of one core and one GPU."""
        return rates["gpu"] * self.gpus if self.gpus else rates["cpu"] * self.cores


class PairTokens(NamedTuple):
    """Pairs of a data set, and their tokens in all."""

    train: int
    heldout: int
    train_tokens: float  # prompt and both completions, the prompt once
    chosen_tokens: float  # of the same without the rejected completions
    heldout_tokens: float
    longest: float  # tokens of a long pair: the one that 5 % are longer than
    counted: bool = True  # by the model's tokenizer; else estimated from characters


class Schedule(NamedTuple):
    """How often training goes over its pairs."""

    epochs: float
    batch_size: int
    measure_every: int  # steps; 0: each epoch

    def steps(self, pairs: int) -> int:
        """Return the number of optimiser steps."""
        return math.ceil(math.ceil(pairs / self.batch_size) * self.epochs)

    def measurements(self, pairs: int) -> int:
        """Return how often held-out pairs are measured: before the first step, and then on."""
        every = self.measure_every
        return 1 + math.ceil(self.steps(pairs) / every if every else self.epochs)


def training_operations(
    parameters: float,
    data: PairTokens,
    schedule: Schedule,
    *,
    paired: bool = True,
    adapters: bool = False,
    recomputed: bool = False,
    passes_before: int = 0,
) -> float:
    """Return the operations of one training with its measurements on held-out pairs.

    Args:
        paired: whether the loss looks at rejected completions
        adapters: train low-rank adapters in place of all weights
        recomputed: activations are computed again in the backward pass
        passes_before: forward passes more over a step's pairs, as of losses of whole batches
    """
    tokens = schedule.epochs * (data.train_tokens if paired else data.chosen_tokens)
    step = FORWARD * (1 + passes_before + recomputed)
    step += BACKWARD_THROUGH if adapters else BACKWARD
    measured = FORWARD * data.heldout_tokens * schedule.measurements(data.train)
    return parameters * (step * tokens + measured)


def reference_operations(parameters: float, data: PairTokens) -> float:
    """Return the operations of scoring all pairs of a data set once."""
    return FORWARD * parameters * (data.train_tokens + data.heldout_tokens)


def answer_seconds(parameters: float, prompt: float, new: float, speed: Speed) -> float:
    """Return the seconds of answers, from the tokens of all prompts and of all answers."""
    read = FORWARD * parameters * prompt / speed.of(READING)
    return START_S + read + FORWARD * parameters * new / speed.of(DECODING)


def training_seconds(operations: float, speed: Speed) -> float:
    """Return the seconds of a training."""
    return START_S + operations / speed.of(TRAINING)


def reading_seconds(operations: float, speed: Speed) -> float:
    """Return the seconds of a job of forward passes alone, such as a reference."""
    return START_S + operations / speed.of(READING)


def judging_seconds(operations: float, speed: Speed) -> float:
    """Return the seconds of a local judge, which reads its prompts and writes nothing."""
    return START_S + operations / speed.of(JUDGING)


# Bytes. On a CPU Python, torch and kernels that were compiled for each shape; on a GPU CUDA's own.
KEPT = {"cpu": 1.0e9, "gpu": 0.6e9}
WEIGHT = 4.0  # of a parameter in fp32
TRAINED = 12.0  # of a trained one besides: its gradient, two moments
CAST = {"cpu": 1.2, "gpu": 0.0}  # of a parameter: what is copied into bf16 at a time
# Of a token in a row, times parameters ** 2/3: activations grow with width × depth.
ROW = {"cpu": 4.0, "gpu": 2.0}
PROGRAM = {"cpu": 0.6e9, "gpu": 0.6e9}  # what is kept of it where nothing is trained
CACHED = 0.1  # of keys and values of a token, times the same
RECOMPUTED = 0.15  # of them where they are computed again in the backward pass


def training_bytes(
    parameters: float,
    row_tokens: float,
    *,
    gpu: bool = False,
    adapters: bool = False,
    recomputed: bool = False,
    second_model: bool = False,
) -> float:
    """Return the peak memory of one training from its parameters and its longest row.

    Args:
        adapters: train low-rank adapters in place of all weights
        recomputed: activations are computed again in the backward pass
        second_model: a reference is beside the policy
    """
    device = "gpu" if gpu else "cpu"
    weight = WEIGHT * (1 + second_model) + CAST[device] + (0.0 if adapters else TRAINED)
    row = ROW[device] * (RECOMPUTED if recomputed else 1.0) * math.pow(parameters, 2 / 3)
    return KEPT[device] + parameters * weight + row_tokens * row


def inference_bytes(
    parameters: float, tokens: float, *, gpu: bool = False, copies: int = 2
) -> float:
    """Return the peak memory of a model that answers or judges, with so many tokens at a time.

    Args:
        copies: of the weights in bf16: answers lay them out once more for the CPU's kernels
    """
    cached = CACHED * math.pow(parameters, 2 / 3)
    return PROGRAM["gpu" if gpu else "cpu"] + 2.0 * copies * parameters + tokens * cached


def row_tokens(data: PairTokens, batch_size: int, budget: int, *, paired: bool = True) -> float:
    """Return the tokens of a long row: those of a step's pairs, of which one is long."""
    mean = data.train_tokens / max(data.train, 1)
    share = 1.0 if paired else data.chosen_tokens / max(data.train_tokens, 1.0)
    return min(float(budget), share * (data.longest + (batch_size - 1) * mean))


def saved_bytes(parameters: float, dtype: str = "bfloat16") -> float:
    """Return what a saved model takes on the disk, with its tokenizer."""
    return parameters * (4 if dtype == "float32" else 2) + 4e6
