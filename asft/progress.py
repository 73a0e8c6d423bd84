"""How far a step is, in a small file for who watches it; no step reads it."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

SECONDS = 1.0  # between two writes
RECENT = 20  # writes that the speed is taken over
WIDTH = 512  # bytes: a text of one length is written over the one before, in one call


class Progress:
    """Writes how much is done; a file that cannot be written costs the view, never the step."""

    def __init__(
        self,
        path: Path | None,
        what: str,
        total: int | None,
        unit: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Count up to `total` in `path`; None: in no file."""
        self._path, self._clock = path, clock
        self._about = {"what": what, "total": total, "unit": unit}
        self._recent: deque[tuple[float, int]] = deque(maxlen=RECENT + 1)

    def tell(self, done: int, facts: Callable[[], dict[str, Any]] = dict) -> None:
        """Say that so many are done; `facts` are asked for only when they are written."""
        if self._path is None:
            return
        now = self._clock()
        early = self._recent and now - self._recent[-1][0] < SECONDS
        if early and done != self._about["total"]:
            return
        self._recent.append((now, done))
        began, first = self._recent[0]
        speed = {"seconds_each": round((now - began) / (done - first), 6)} if done > first else {}
        told = self._about | {"done": done, "time": round(time.time(), 3)} | speed | facts()
        try:
            _write_over(self._path, json.dumps(told).ljust(WIDTH - 1) + "\n")
        except OSError:  # of a full disk the step itself says so, where it matters
            self._path = None

    def end(self) -> None:
        """Delete the file."""
        if self._path:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)


def _write_over(path: Path, text: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
    try:
        os.pwrite(file, text.encode(), 0)
    finally:
        os.close(file)
