"""Errors for people: the exception that a user reads, near names, and memory that ran out."""

import errno
from difflib import get_close_matches

# A file cannot grow: the disk is full, a quota is used up, or a limit on file sizes is reached.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class UserError(Exception):
    """A fault that the user can fix, in one line: what, where (file, row, key), what to do."""


def nearest(name: str, known: list[str]) -> str:
    """Return `"; did you mean X?"` for the closest known name, or all names if none is close."""
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(sorted(known))}" if known else ""


_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether memory ran out: in Python, numpy, arrow, torch (CPU, GPU), a memory map."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return any(words in str(error).lower() for words in _MEMORY)
