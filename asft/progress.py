"""How far a step is: a bar on a terminal, and a small file that `asft watch` reads.

The file lies beside the step's log (`asft --log FILE`: `FILE.progress`), is written once a second
at most and deleted when what it counts has ended. No step reads it.
"""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import suppress
from pathlib import Path
from typing import Any

from asft.processes import place

FILE = "ASFT_PROGRESS"  # the variable that names the file; workers inherit it
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


class Bar:
    """What tqdm is, in a file too: iterate over it, or update it within a `with`."""

    def __init__(
        self,
        items: Iterable[Any] = (),
        desc: str = "",
        total: int | None = None,
        unit: str = "it",
        facts: Callable[[], dict[str, Any]] = dict,
    ) -> None:
        """Count `items` as they are taken, or up to `total` by `update`; `facts` as of `tell`."""
        if total is None and isinstance(items, Sized):
            total = len(items)
        path, is_first = os.environ.get(FILE), place()[0] == 0
        self._items, self._done, self._facts = items, 0, facts
        from tqdm import tqdm  # every command imports this file

        self._bar = tqdm(desc=desc, total=total, unit=unit, disable=None)
        self._file = Progress(Path(path) if path and is_first else None, desc, total, unit)
        self._file.tell(0, facts)

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it where no `with` does."""
        self._bar.close()
        self._file.end()

    def __iter__(self) -> Iterator[Any]:
        with self:
            for item in self._items:
                yield item
                self.update()

    def update(self, more: int = 1) -> None:
        """Count `more`."""
        self._bar.update(more)
        self._done += more
        self._file.tell(self._done, self._facts)


def _write_over(path: Path, text: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
    try:
        os.pwrite(file, text.encode(), 0)
    finally:
        os.close(file)
