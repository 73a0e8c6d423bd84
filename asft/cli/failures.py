"""Any exception as one line for its reader: what happened, where, what to do.

`main` prints it; the traceback goes to the step's log, or is shown with --debug. Exceptions of
torch, pyarrow and safetensors are told by their names and words, since importing those libraries
takes seconds.
"""

import errno
import re
import shutil
import traceback
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from pydantic import ValidationError

from asft.errors import NO_ROOM, UserError, is_out_of_memory

# What each step can do with less memory. Not training.batch_size: a batch is computed row by row,
# and a row holds as many pairs as token_budget allows, or one that is longer.
_TRAINING = (
    "lower training.token_budget, set training.gradient_checkpointing: true, "
    "or lower tokens.max_length"
)
KNOBS = {
    "train": _TRAINING,
    "measure-cost": _TRAINING,
    "reference": "lower training.token_budget, set training.precision: bf16, "
    "or lower tokens.max_length",
    "generate": "lower generation.batch_size, or the benchmark's decoding.max_new_tokens",
    "ask": "lower --batch-size or --max-new-tokens",
    "judge": "take a smaller judge, or lower the benchmark's decoding.max_new_tokens",
    "prepare-dataset": "give it a smaller file",
    "others": "run fewer jobs at once",
}
# Functions of ours that read a file: `read_settings`, `load_policy`, `CachedReference.__init__`.
_READS = re.compile(r"(^|\.)_?(read|load|resolve|tokenizer_of|CachedReference\b)")
_OUTPUTS = ("--log", "--out", "--store")
_ROOM = (
    *("no space left on device", "file too large", "disk quota exceeded"),
    # torch.save does not say why it cannot write: in all but name this is a full disk.
    *("iostream error", "pytorchstreamwriter failed writing"),
)


def one_line(error: BaseException, arguments: Sequence[str] = ()) -> str:
    """Say on one line what `error` means to somebody who ran `asft` with these arguments.

    A UserError is passed on as it is; the sources it lists may take a line each.
    """
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, ValidationError):  # of a command's JSON: files are checked where read
        fault = error.errors()[0]
        return f"--settings, key {'.'.join(map(str, fault['loc']))!r}: {fault['msg']}"
    if is_out_of_memory(error):
        advice = next(
            (KNOBS[word] for word in arguments if word in KNOBS), "run fewer jobs at once"
        )
        return f"out of memory ({_words(error)}); {advice}, or use a machine with more"
    if is_full(error):
        return _of_full_disk(error, arguments)
    if isinstance(error, OSError) and error.filename is not None:
        return _of_file(error)
    suspects = _suspects(arguments) if _is_of_reading(error) else ""
    return f"{type(error).__name__}: {_words(error)}{suspects}"


def is_full(error: BaseException) -> bool:
    """Tell whether a file could not grow: disk, quota or size limit."""
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return True
    return any(words in str(error).lower() for words in _ROOM)


def _of_full_disk(error: BaseException, arguments: Sequence[str]) -> str:
    out = (value for option, value in pairwise(arguments) if option == "--out")
    name = getattr(error, "filename", None) or next(out, None)
    folder = Path(name or "").absolute()
    while not folder.is_dir():
        folder = folder.parent
    free = shutil.disk_usage(folder).free // 2**20
    reason = error.strerror if isinstance(error, OSError) and error.strerror else _words(error)
    return (
        f"{name or 'the output'}: {reason} ({free} MiB free in {folder}); "
        "make room and rerun: nothing half-written is kept"
    )


def _of_file(error: OSError) -> str:
    advice = ""
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        advice = "; make it accessible, or choose other folders (`results`, ASFT_CACHE, HF_HOME)"
    return f"{error.filename}: {error.strerror}{advice}"


def _words(error: BaseException) -> str:
    """The error's own message on one line, cut where it becomes a page."""
    return " ".join(str(error).split())[:300] or type(error).__name__


def _is_of_reading(error: BaseException) -> bool:
    """Tell whether the error came up within a function of ours that reads a file."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    ours = [f for f in frames if str(f.f_globals.get("__name__", "")).startswith("asft.")]
    return any(_READS.search(frame.f_code.co_qualname) for frame in ours)


def _suspects(arguments: Sequence[str]) -> str:
    """The files that the step was given: where reading one failed without its name."""
    paths = [
        value
        for option, value in pairwise(arguments)
        if option.startswith("--") and option not in _OUTPUTS and len(value) < 200
    ]
    found = dict.fromkeys(path for path in paths if Path(path).exists())
    return f"; is one of these damaged: {', '.join(found)}?" if found else ""
