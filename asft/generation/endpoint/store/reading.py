"""The answers of all jobs that share a store: the union of all files in its folder.

In memory is only where each answer lies. Several may be there under one key, from jobs that knew
nothing of each other; then all readers take the earliest, whatever file it is in.
"""

import json
import logging
import threading
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from asft.errors import UserError
from asft.generation.endpoint.store.lines import check, is_whole

log = logging.getLogger(__name__)


class _Place(NamedTuple):
    path: Path
    start: int
    length: int
    digest: bytes


class _Known:
    """What has been read: files only grow, until they have ended."""

    def __init__(self) -> None:
        self.places: dict[str, _Place] = {}
        self.read_to: dict[Path, int] = {}
        self.ended: set[Path] = set()  # read, and nothing will come


class Answers:
    """Finds answers in the files of some folders."""

    def __init__(self, *folders: Path) -> None:
        self.folders = folders
        self._known = _Known()
        self._lock = threading.Lock()
        self._begun = 0

    def __contains__(self, key: str) -> bool:
        return key in self._known.places

    def keys(self) -> set[str]:
        """Return the keys of all answers that there were at the last refresh."""
        with self._lock:
            return set(self._known.places)

    def refresh(self) -> None:
        """Read what has been written up to now.

        Raises:
            UserError: a line is damaged; names the file and the line.
        """
        begun = self._begun
        with self._lock:
            if self._begun == begun:  # else one that began after this call has just been done
                self._begun += 1
                self._read_all()

    def line(self, key: str) -> bytes | None:
        """Return the line of an answer; None if there was none at the last refresh."""
        while place := self._known.places.get(key):
            with suppress(FileNotFoundError):
                return _line_at(place)
            self.refresh()  # its file has become part of another
        return None

    def _read_all(self) -> None:
        known, seen = self._known, None
        # A folder that is changed while it is listed may show neither the old nor the new file.
        while (files := self._list()) != seen:
            if not known.read_to.keys() <= files.keys():
                known = _Known()
            for path, has_ended in files.items():
                if path not in known.ended:
                    with suppress(FileNotFoundError):  # the next listing lacks it
                        _read(path, known, has_ended)
            seen = files
        self._known = known

    def _list(self) -> dict[Path, bool]:
        """All files of answers, and whether the job that wrote to them has ended."""
        files = {}
        for folder in self.folders:
            names = {path.name for path in folder.iterdir()}
            for name in sorted(names):
                if name.endswith(".jsonl") and not name.startswith("."):
                    files[folder / name] = f"{job_of(name)}.alive" not in names
        return files


def job_of(name: str) -> str:
    """Return the name of the job that wrote a file of answers, by the file's name."""
    return name.partition(".")[0]


def _read(path: Path, known: _Known, has_ended: bool) -> None:
    """Read on in a file."""
    start = known.read_to.get(path, 0)
    with path.open("rb") as file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):
                break
            if is_whole(line):
                _add(known, path, start, line)
            start += len(line)
        rest = file.seek(0, 2) - start
    known.read_to[path] = start
    if has_ended:
        known.ended.add(path)
        if rest:
            log.warning("%s: its last line was cut off by a crash; no kept answer is lost", path)


def _add(known: _Known, path: Path, start: int, line: bytes) -> None:
    try:
        key, digest = check(line)
    except ValueError as error:
        raise UserError(
            f"{path}, line {_number(path, start)}: damaged ({error}); delete this line, or move the"
            " file away, and run again: only its answers are asked again, nothing else is lost"
        ) from error
    place = _Place(path, start, len(line), digest)
    other = known.places.get(key)
    if other is None or (other.digest != digest and _age(place) < _age(other)):
        known.places[key] = place


def _number(path: Path, start: int) -> int:
    with path.open("rb") as file:
        return file.read(start).count(b"\n") + 1


def _age(place: _Place) -> tuple[str, bytes]:
    """What the earliest of several answers has least of."""
    return json.loads(_line_at(place))["answer"]["date"], place.digest


def _line_at(place: _Place) -> bytes:
    with place.path.open("rb") as file:
        file.seek(place.start)
        return file.read(place.length)
