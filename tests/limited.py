"""One step of asft under a limit of the kernel: `python limited.py JSON STEP --OPTION …`.

{"file_size": bytes}   no file may grow beyond: a write fails, as on a full disk
  + {"die": true}      … and the kernel kills the process in the middle of that write
{"memory": MiB}        so much more address space than the step's libraries have taken
{"clock": seconds}     the clock is wrong by so much, and jumps by as much each time it is read
"""

import importlib
import itertools
import json
import resource
import signal
import sys
import time
from pathlib import Path

from asft.cli.commands import COMMANDS

# What a step imports when it is under way.
LIBRARIES = {
    "train": ["asft.training.fit"],
    "reference": ["asft.training.reference_logps"],
    "generate": ["asft.generation.answering"],
}


def limit_file_size(size: int, die: bool) -> None:
    # Python ignores SIGXFSZ, so that a write fails with EFBIG; by default the signal kills.
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL if die else signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def limit_memory(step: str, megabytes: int) -> None:
    COMMANDS[step].load()
    for module in LIBRARIES.get(step, ()):
        importlib.import_module(module)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def disturb_clock(seconds: float) -> None:
    real, reads = time.time, itertools.count(1)
    time.time = lambda: real() + seconds * next(reads)


if __name__ == "__main__":
    limits = json.loads(sys.argv.pop(1))
    if "file_size" in limits:
        limit_file_size(limits["file_size"], limits.get("die", False))
    if "memory" in limits:
        limit_memory(limits["step"], limits["memory"])
    if "clock" in limits:
        disturb_clock(limits["clock"])
    from asft.cli.app import main

    main()
