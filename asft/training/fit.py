"""Training in this process: a run's trainer, its loop between checkpoints, the policy saved."""

import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from asft.errors import UserError
from asft.files import follow_umask, write_json
from asft.models import end_token_ids, load_tokenizer
from asft.processes import split_of
from asft.training.checkpoints import Checkpoints
from asft.training.comparable import ComparableTrainer
from asft.training.cost import cost_of
from asft.training.distributed import from_all, from_first, processes, rank
from asft.training.live import Live
from asft.training.lora import merged
from asft.training.movement import refuse_unmoved


def fit(trainer: ComparableTrainer, checkpoints: Checkpoints) -> dict[str, Any]:
    """Train, from the newest checkpoint if there is one; return when, how long, from which step.

    Raises:
        UserError: a signal, after a checkpoint.
    """
    began = time.perf_counter()
    start = _run(trainer, checkpoints)
    seconds = round(time.perf_counter() - began, 1)
    finished = datetime.now(UTC).isoformat(timespec="seconds")
    return {"finished": finished, "seconds": seconds, "continued_from_step": start}


def save_run(
    trainer: ComparableTrainer,
    about: dict[str, Any],
    model: Path,
    out: Path,
    checkpoints: Checkpoints,
) -> None:
    """Write history, cost and policy of a trained run; of several processes the first does.

    Of one that stops before the end its state too.

    Raises:
        UserError: weights that are not finite.
    """
    # Of a model that is sharded over processes each gathers all weights, the first saves them.
    sharded = trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled
    weights = trainer.accelerator.get_state_dict(trainer.model_wrapped) if sharded else None
    _refuse_broken(weights or dict(trainer.policy.named_parameters()), out)
    if rank() > 0:
        return
    trainer.history.write(out / "history.csv")
    write_json(out / "cost.json", about | cost_of(trainer))
    _save(trainer, weights, model, out / "policy")
    if checkpoints.until < 1:
        checkpoints.keep_state(out / "state")
    shutil.rmtree(checkpoints.folder, ignore_errors=True)


def _run(trainer: ComparableTrainer, checkpoints: Checkpoints) -> int:
    """Train to the end; returns the step it began at."""
    _say_how(trainer)
    trainer.add_callback(checkpoints)
    if newest := checkpoints.newest():
        print(f"continues from {newest}", file=sys.stderr, flush=True)
        checkpoints.restore(newest)
        trainer.restore(newest)
    # One for all: what `auto` comes to may differ between machines, and between attempts.
    trainer.token_budget = checkpoints.token_budget = from_first(checkpoints.token_budget)
    if rank() == 0:
        until, device = checkpoints.until, trainer.args.device
        trainer.live = Live(checkpoints.folder, trainer.history, device, until)
    start = len([row for row in trainer.history.rows() if row["split"] == "train"])
    with checkpoints.watching(), checkpoints.loading(newest):
        trainer.train(resume_from_checkpoint=str(newest) if newest else None)
    if processes() > 1:
        print(f"trained on: {split_of(from_all(trainer.work))}", file=sys.stderr, flush=True)
    if checkpoints.stopped_by:
        done, steps = trainer.state.global_step, trainer.state.max_steps
        raise UserError(
            f"{checkpoints.folder.parent}: stopped by {checkpoints.stopped_by} after step {done} of"
            f" {steps}; the same command continues from there"
        )
    return start


def _say_how(trainer: ComparableTrainer) -> None:
    batch, count = trainer.training.batch_size, processes()
    print(
        f"{count} {'processes' if count > 1 else 'process'} of {torch.get_num_threads()} threads"
        f" on {trainer.args.device}; {batch} pairs a step, shared by their tokens",
        file=sys.stderr,
        flush=True,
    )


def _refuse_broken(weights: dict[str, Any], out: Path) -> None:
    broken = [name for name, weight in weights.items() if not weight.isfinite().all()]
    if broken:
        raise UserError(
            f"{out}: training diverged, {len(broken)} weights are not finite (first: {broken[0]}); "
            "lower training.learning_rate"
        )


def _save(trainer: ComparableTrainer, weights: Any, model: Path, out: Path) -> None:
    """Save whole or not at all: into a folder beside `out`, then renamed."""
    policy: Any = trainer.policy
    training, before = trainer.training, trainer.base_bits
    temporary = out.with_name(f".{out.name}.partial")
    shutil.rmtree(temporary, ignore_errors=True)
    if training.lora:
        policy = merged(policy, temporary / "adapter" if training.lora.save_adapter else None)
    tokenizer = load_tokenizer(model)
    _ends_as_learnt(policy, tokenizer)
    kind: torch.dtype = getattr(torch, training.save_dtype)
    refuse_unmoved(before, weights or dict(policy.named_parameters()), kind, out)
    if weights is None:
        policy.to(kind).save_pretrained(temporary)
    else:
        weights = {name: weight.to(kind) for name, weight in weights.items()}
        policy.config.dtype = kind
        policy.save_pretrained(temporary, state_dict=weights)
    tokenizer.save_pretrained(temporary)
    follow_umask(*filter(Path.is_file, temporary.rglob("*")))
    shutil.rmtree(out, ignore_errors=True)
    temporary.replace(out)


def _ends_as_learnt(policy: Any, tokenizer: Any) -> None:
    """What a policy has learnt as the end ends its answers wherever it is loaded."""
    own = policy.generation_config
    known = own.eos_token_id if isinstance(own.eos_token_id, list) else [own.eos_token_id]
    ends = end_token_ids(policy, tokenizer)
    if set(ends) != set(known):
        own.eos_token_id = ends if len(ends) > 1 else ends[0]
