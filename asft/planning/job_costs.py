"""What each step takes, from its command: a function a step, in the table `STEPS`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from asft.config import Training
from asft.losses import Method, find_method
from asft.planning.arithmetic import (
    BY_TRL,
    FETCH_S,
    SMALL_S,
    PairTokens,
    Schedule,
    Speed,
    answer_seconds,
    inference_bytes,
    reading_seconds,
    reference_operations,
    row_tokens,
    saved_bytes,
    training_bytes,
    training_operations,
    training_seconds,
)
from asft.planning.dry_run import Job
from asft.planning.facts import Facts

MOST_TOKENS = 4096  # of a row, where `token_budget` is auto (asft/training/token_budget.py)
SMALL_BYTES = 0.4e9  # of a job without a model: Python and libraries


class Cost(NamedTuple):
    """What a job takes; None is unknown."""

    seconds: float | None
    memory: float | None  # bytes, of a GPU's where it computes on one
    disk: float = 0.0  # bytes that stay
    counted: bool = False  # tokens are counted by the model's tokenizer, or measured


SMALL = Cost(SMALL_S, SMALL_BYTES)


def cost_of(job: Job, facts: Facts) -> Cost:
    """Estimate what a job takes; what no function stands for computes with no model."""
    if not job.step:
        return Cost(0.0, 0.0)
    if job.step in STEPS:
        return STEPS[job.step](job, facts)
    return Cost(None, None) if computes(job.step) else SMALL


def _speed(job: Job) -> Speed:
    return Speed(job.threads, job.gpus)


def _fetch(job: Job, facts: Facts) -> Cost:
    size = facts.parameters(job.flags["out"])
    return Cost(FETCH_S * size / 1e9, inference_bytes(size, 0), saved_bytes(size))


def _train(job: Job, facts: Facts) -> Cost:
    run, size = facts.run(job.flags["settings"]), facts.parameters(job.flags["out"])
    if run is None:
        return Cost(None, None, saved_bytes(size))
    training, method = Training.model_validate(run["training"]), find_method(run["loss"])
    by_trl, data = run.get("trainer") == "trl", facts.pairs(job.flags["tokens"])
    row = training.token_budget if isinstance(training.token_budget, int) else MOST_TOKENS
    seconds = None
    times = BY_TRL if by_trl else 1.0  # memory too: it pads a whole step
    if data is not None:
        row = round(row_tokens(data, training.batch_size, row, paired=method.paired))
        operations = _operations(method, training, size, data)
        seconds = times * training_seconds(operations, _speed(job))
    memory = training_bytes(
        size,
        row,
        gpu=bool(job.gpus),
        adapters=training.lora is not None,
        recomputed=training.gradient_checkpointing,
        second_model=not by_trl and method.needs_model,
    )
    disk = saved_bytes(size, training.save_dtype)
    return Cost(seconds, times * memory, disk, data is not None and data.counted)


def _operations(method: Method, training: Training, size: float, data: PairTokens) -> float:
    return training_operations(
        size,
        data,
        Schedule(training.epochs, training.batch_size, training.measure_every),
        paired=method.paired,
        adapters=training.lora is not None,
        recomputed=training.gradient_checkpointing,
        passes_before=int(method.looks_at == "batch"),
    )


def _measure_cost(job: Job, facts: Facts) -> Cost:
    data, told = facts.pairs(job.flags["tokens"]), json.loads(job.flags["settings"])
    if data is None:
        return Cost(None, None)
    training, size = Training.model_validate(told["training"]), facts.parameters(job.flags["model"])
    share = (told["steps"] or 1) * training.batch_size / max(data.train, 1)
    schedule = Schedule(share, training.batch_size, 0)
    operations = training_operations(size, data._replace(heldout_tokens=0.0), schedule)
    memory = training_bytes(size, row_tokens(data, training.batch_size, MOST_TOKENS))
    return Cost(training_seconds(operations, _speed(job)), memory, counted=data.counted)


def _reference(job: Job, facts: Facts) -> Cost:
    data, size = facts.pairs(job.flags["tokens"]), facts.parameters(job.flags["model"])
    if data is None:
        return Cost(None, None)
    told = json.loads(job.flags["settings"])
    seconds = reading_seconds(
        reference_operations(size, data) * (2 if told.get("mismatched") else 1), _speed(job)
    )
    budget = told["token_budget"] if isinstance(told["token_budget"], int) else MOST_TOKENS
    tokens = min(budget, data.train_tokens)
    return Cost(seconds, inference_bytes(size, tokens), counted=data.counted)


def _generate(job: Job, facts: Facts) -> Cost:
    told, size = json.loads(job.flags["settings"]), facts.parameters(job.flags["policy"])
    folder = f"{Path(job.flags['questions']).parent}"
    found = facts.answers(folder, told["decoding"]["max_new_tokens"])
    if found is None or told["generation"]["backend"] == "openai":
        return Cost(None, None)
    seconds = answer_seconds(size, found.prompt, found.new, _speed(job))
    rows = min(told["generation"]["batch_size"] / found.turns, 1.0)
    memory = inference_bytes(size, rows * (found.prompt + found.new), gpu=bool(job.gpus))
    return Cost(seconds, memory, counted=found.measured)


def _lm_eval(job: Job, facts: Facts) -> Cost:
    """Tasks are lm-eval's own: nobody knows here how much they ask."""
    size = facts.parameters(job.flags["policy"])
    return Cost(None, inference_bytes(size, MOST_TOKENS, gpu=bool(job.gpus), copies=1))


STEPS: dict[str, Callable[[Job, Facts], Cost]] = {
    "fetch-model": _fetch,
    "merge-adapter": _fetch,
    "train": _train,
    "measure-cost": _measure_cost,
    "reference": _reference,
    "generate": _generate,
    "lm-eval": _lm_eval,
}


def computes(step: str) -> bool:
    """Return whether a step's jobs load a model; those of others take a second or two."""
    return step in STEPS or step in ("judge", "judge-agreement", "completion-logps")
