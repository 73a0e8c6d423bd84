"""Memory that is freed stays with the process, to be used again.

By default glibc gives every large block back to the system, and the next one comes page by page: a
tenth of a training step on a CPU. Elsewhere (macOS, musl) nothing is changed.
"""

import ctypes
import sys

# mallopt's parameters (malloc.h).
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4


def keep_freed_memory() -> bool:
    """Tell the C library so; whether it understood."""
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, 2**31 - 1))
