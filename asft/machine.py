"""This machine: its GPUs, a free one for each process, and its allocator. Imports no torch."""

import ctypes
import fcntl
import os
import re
import subprocess
import sys
import tempfile
import time
from ctypes.util import find_library
from itertools import takewhile
from pathlib import Path

VISIBLE = "CUDA_VISIBLE_DEVICES"
_held: list[int] = []  # file descriptors of the locks, open as long as the process lives


def visible_gpus(devices: Path = Path("/dev")) -> list[str]:
    """Return CUDA's names of the NVIDIA GPUs that a process started here would see."""
    chosen = os.environ.get(VISIBLE)
    if chosen is not None:
        # CUDA stops at the first name it does not know, e.g. -1 or SLURM's NoDevFiles.
        names = [name.strip() for name in chosen.split(",")]
        return list(takewhile(re.compile(r"\d+|(GPU|MIG)-.+").fullmatch, names))
    # CUDA numbers what it sees from 0 on, whatever the numbers of the device files.
    found = [path for path in devices.glob("nvidia*") if path.name[len("nvidia") :].isdigit()]
    return [str(number) for number in range(len(found))]


def partition_cores() -> dict[str, int]:
    """Return the CPUs of the largest node of each SLURM partition; {} if SLURM does not answer."""
    command = ["sinfo", "--noheader", "--Node", "--format=%R %c"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return {}
    found: dict[str, int] = {}
    for partition, cores in map(str.split, done.stdout.splitlines()):
        found[partition] = max(found.get(partition, 0), int(cores))
    return found


def claim_gpus(count: int = 1) -> None:
    """Leave this process only `count` GPUs that no other process of ours has claimed.

    Waits until so many are free. Does nothing where there is nothing to choose: no more than
    `count` are visible, or a launcher has told this process which one to take.
    """
    names = visible_gpus()
    if len(names) <= count or "LOCAL_RANK" in os.environ or _held:
        return
    told = False
    while len(locks := _lock(names, count)) < count:
        for lock in locks.values():  # all or none, or two processes could wait for each other
            os.close(lock)
        if not told:
            print(f"waits for {count} of the GPUs {', '.join(names)}", file=sys.stderr, flush=True)
            told = True
        time.sleep(1)
    _held.extend(locks.values())
    os.environ[VISIBLE] = ",".join(locks)


def _lock(names: list[str], count: int) -> dict[str, int]:
    """Up to `count` free GPUs: name → descriptor of its lock."""
    locks: dict[str, int] = {}
    for name in names:
        path = Path(tempfile.gettempdir()) / f"asft-{os.getuid()}-gpu{name}.lock"
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        locks[name] = lock
        if len(locks) == count:
            break
    return locks


# mallopt's parameters (malloc.h).
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
PRELOAD = "LD_PRELOAD"


def keep_freed_memory() -> bool:
    """Make the C library reuse freed memory instead of returning it; return whether it does so.

    Pages that were returned would be faulted in again at every training step.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, 2**31 - 1))


def tcmalloc() -> str | None:
    """Return the tcmalloc to preload; None if the system lacks it, or LD_PRELOAD is set at all."""
    if sys.platform != "linux" or PRELOAD in os.environ:
        return None
    return find_library("tcmalloc_minimal")


def preload_allocator() -> None:
    """Let the processes that this one starts use tcmalloc, if there is one to preload."""
    if found := tcmalloc():
        os.environ[PRELOAD] = found
