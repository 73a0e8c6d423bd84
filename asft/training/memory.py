"""Memory that this process has taken."""

import resource
import sys

import torch


def peak_memory(device: torch.device) -> tuple[int, str]:
    """Return this process's peak memory in bytes, and how it was measured."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device), "torch.cuda.max_memory_allocated"
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes on macOS, KiB on Linux
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return peak, "peak resident set of the whole process"
