"""What this machine computes in: device, precision, threads."""

import os
from typing import Any, Literal

import torch


def resolve_precision(precision: Literal["auto", "bf16", "fp32"]) -> torch.dtype:
    """Return the type of a precision; `auto` is bf16 if computed natively here, else fp32."""
    if precision == "auto":
        return torch.bfloat16 if _has_bf16() else torch.float32
    return torch.bfloat16 if precision == "bf16" else torch.float32


def use_threads(threads: int | None) -> None:
    """Set the number of CPU threads that torch computes with; None leaves its own choice."""
    if threads:
        torch.set_num_threads(threads)


def default_device() -> torch.device:
    """Return this process's CUDA device, else Apple's GPU, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
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
