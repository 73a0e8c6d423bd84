"""Base policies and trained ones: loading, and the facts about them that steps ask for.

A model folder (`<results>/models/{model}/`, or a run's `policy/`) holds safetensors, tokenizer and
chat template, or a `pointer.json` to where they are: `{"hub": …, "revision": …}` or `{"local": …}`.
A `chat_template.jinja` beside the pointer wins over the model's own.
Weights are read from safetensors alone, and no code that comes with a model is run.
"""

import json
import sys
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers import PreTrainedTokenizerBase as Tokenizer
from transformers.utils.logging import disable_progress_bar

from asft import hub
from asft.errors import UserError

POINTER = "pointer.json"
CHAT_TEMPLATE = "chat_template.jinja"

if not sys.stderr.isatty():
    disable_progress_bar()  # type: ignore[no-untyped-call]


def resolve(folder: Path) -> tuple[str, str | None]:
    """Path or hub name of the model in `folder`, and its revision on the hub.

    Raises:
        UserError: there is no model in `folder`.
    """
    pointer = folder / POINTER
    if pointer.is_file():
        target = json.loads(pointer.read_text(encoding="utf-8"))
        return (target["hub"], target["revision"]) if "hub" in target else (target["local"], None)
    if not (folder / "config.json").is_file():
        raise UserError(f"{folder}: no model here; make it with: asft fetch-model --out {folder}")
    return str(folder), None


def load_policy(folder: Path, dtype: torch.dtype, attn_implementation: str | None = None) -> Any:
    """The `PreTrainedModel` in `folder` (see the module's docstring), on the CPU.

    Args:
        attn_implementation: a name known to transformers; None: its choice.

    Raises:
        UserError: no model there, no safetensors, or the hub cannot be reached.
    """
    name, revision = resolve(folder)
    try:
        return AutoModelForCausalLM.from_pretrained(
            name,
            revision=revision or "main",
            dtype=dtype,
            attn_implementation=attn_implementation,
            use_safetensors=True,
            trust_remote_code=False,
        )
    except (OSError, ValueError, ImportError, SafetensorError) as error:
        raise UserError(f"model {name}: {hub.reason(error)}") from error


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer in `folder`, with the folder's chat template; EOS pads if no pad token is set.

    Raises:
        UserError: no model there, or the hub cannot be reached.
    """
    tokenizer = tokenizer_of(*resolve(folder))
    template = folder / CHAT_TEMPLATE
    if template.is_file():
        tokenizer.chat_template = template.read_text(encoding="utf-8")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def tokenizer_of(name: str, revision: str | None) -> Tokenizer:
    """The tokenizer of a path or a hub name, as it is.

    Raises:
        UserError: there is none, or the hub cannot be reached.
    """
    try:
        return AutoTokenizer.from_pretrained(
            name, revision=revision or "main", trust_remote_code=False
        )
    except (OSError, ValueError) as error:
        raise UserError(f"tokenizer of {name}: {hub.reason(error)}") from error


def end_token_ids(model: Any, tokenizer: Tokenizer) -> list[int]:
    """Every token that ends an answer, by generation config, config or tokenizer; sorted.

    They differ: Llama 3's chat models end a text with one token and a turn with another.

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
    if not found:
        raise UserError("neither model nor tokenizer names an end token; set eos_token_id")
    return sorted(found)


def resolve_precision(precision: Literal["auto", "bf16", "fp32"]) -> torch.dtype:
    """`auto` is bf16 where the machine computes in it natively, else fp32."""
    if precision == "auto":
        return torch.bfloat16 if _has_bf16() else torch.float32
    return torch.bfloat16 if precision == "bf16" else torch.float32


def default_device() -> torch.device:
    """The current CUDA device, else Apple's GPU, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _has_bf16() -> bool:
    device = default_device().type
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device == "mps":
        return False
    # Emulated bf16 is slower than fp32. Older torch cannot tell: fp32 is always right.
    cpu: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(cpu.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
