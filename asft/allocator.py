"""Memory that is freed stays with the process; a better allocator where the system has one.

By default glibc gives every large block back to the system, and the next one comes page by page: a
tenth of a training step on a CPU. Elsewhere (macOS, musl) nothing is changed.

Torch asks for aligned memory, and glibc does not fit that into a hole of exactly its size: the heap
of a training run, whose arrays come in ever the same sizes, grows by a seventh. tcmalloc does.
"""

import ctypes
import os
import sys
from ctypes.util import find_library

# mallopt's parameters (malloc.h).
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
PRELOAD = "LD_PRELOAD"


def keep_freed_memory() -> bool:
    """Tell the C library so; whether it understood."""
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, 2**31 - 1))


def tcmalloc() -> str | None:
    """What to preload: None where the system lacks it, or LD_PRELOAD is set, be it to nothing."""
    if sys.platform != "linux" or PRELOAD in os.environ:
        return None
    return find_library("tcmalloc_minimal")


def preload_allocator() -> None:
    """Let the processes that this one starts use tcmalloc, if there is one to preload."""
    if found := tcmalloc():
        os.environ[PRELOAD] = found
