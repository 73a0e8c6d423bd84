"""Load policies, base and trained, and tell which tokens end an answer.

What a model folder holds: `asft/models/folders.py`. Weights are read from safetensors alone, and no
code that comes with a model is run.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError

from asft.data import reason, turn_end_id
from asft.errors import UserError, is_out_of_memory
from asft.models.folders import resolve
from asft.models.hardware import default_device
from asft.models.plain import load_plain

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase as Tokenizer


def load_reader(folder: Path, dtype: torch.dtype) -> Any:
    """Load a model that answers or judges, onto this machine's device.

    On a CPU without transformers' models where ours computes the same: they take seconds to import.

    Raises:
        UserError: as of `load_policy`.
    """
    device = default_device()
    found = load_plain(folder, dtype) if device.type == "cpu" else None
    return found or load_policy(folder, dtype).to(device).eval()


def load_policy(folder: Path, dtype: torch.dtype, attn_implementation: str | None = None) -> Any:
    """Load the model in `folder`, a `PreTrainedModel`, onto the CPU.

    Args:
        attn_implementation: a name known to transformers; None: its choice.

    Raises:
        UserError: no model there, no safetensors, damaged or missing weights, or the hub cannot be
            reached.
    """
    return _load("AutoModelForCausalLM", folder, dtype, attn_implementation=attn_implementation)


def load_reward_model(folder: Path, dtype: torch.dtype) -> Any:
    """Load the sequence classifier in `folder`, of one output, onto the CPU.

    Raises:
        UserError: as `load_policy`, or it has several outputs.
    """
    model = _load("AutoModelForSequenceClassification", folder, dtype)
    if model.config.num_labels != 1:
        raise UserError(
            f"model {folder.name}: {model.config.num_labels} outputs, and a reward is one number"
        )
    model.config.pad_token_id = None  # one sequence at a time: its last token, whichever it is
    return model


def _load(kind: str, folder: Path, dtype: torch.dtype, **more: Any) -> Any:
    import transformers  # two seconds, of those that need its models alone
    from transformers.utils.logging import disable_progress_bar

    if not sys.stderr.isatty():
        disable_progress_bar()  # type: ignore[no-untyped-call]
    name, revision = resolve(folder)
    try:
        loaded: Any = getattr(transformers, kind).from_pretrained(
            name,
            revision=revision or "main",
            dtype=dtype,
            **more,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (OSError, ValueError, ImportError, RuntimeError, SafetensorError) as error:
        if is_out_of_memory(error):
            raise
        raise UserError(f"model {name}: {reason(error)}") from error
    policy, report = loaded
    if missing := sorted(report["missing_keys"]):
        # transformers warns and goes on with random numbers in their place.
        raise UserError(
            f"model {name}: {len(missing)} weights are not in its files (first: {missing[0]}); "
            "fetch it again"
        )
    return policy


def end_token_ids(model: Any, tokenizer: Tokenizer) -> list[int]:
    """Return every token that ends an answer, by chat template, model or tokenizer; sorted.

    They differ: Llama 3's chat models end a text with one token and a turn with another, and a base
    model learns the end of a template that it was not made with.

    Args:
        model: a model or a generation config.

    Raises:
        UserError: there is none; answers would never end.
    """
    found: set[int] = set()
    places = [model, getattr(model, "generation_config", None), getattr(model, "config", None)]
    for place in [*places, tokenizer]:
        ids = getattr(place, "eos_token_id", None)
        found.update(ids if isinstance(ids, list) else [] if ids is None else [ids])
    if (learnt := turn_end_id(tokenizer)) is not None:
        found.add(learnt)
    if not found:
        raise UserError("neither model nor tokenizer names an end token; set eos_token_id")
    return sorted(found)
