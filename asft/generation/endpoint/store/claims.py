"""Claims: of all jobs that share a store, one asks a call.

A claim is a file that only one job can create. It ends with that job: where the holder is dead, the
next number of the same claim may be created, again by one job only. So nothing is ever taken away
from under another, which no file system could do without a race.
"""

from contextlib import suppress
from itertools import count
from pathlib import Path

from asft.generation.endpoint.store.job import STALE_S, Job


class Claims:
    """The claims of one job."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._held: dict[str, int] = {}  # the number of a claim by its key

    def take(self, key: str) -> bool:
        """Try to claim `key`; tell whether this job holds it now.

        What the holder before wrote can be seen only after this.
        """
        self.job.begin()
        for number in count():
            path = self._path(key, number)
            if self._create(path):
                self._held[key] = number
                return True
            if self._is_held(path):
                return self._held.get(key) == number
        raise AssertionError

    def release(self, key: str) -> None:
        """Give a claim up, with those of dead jobs before it."""
        # The highest number last: as long as one is left, the others are no free claims.
        for number in range(self._held.pop(key, -1) + 1):
            self._path(key, number).unlink(missing_ok=True)

    def release_all(self) -> None:
        """Give all claims of this job up."""
        for key in list(self._held):
            self.release(key)

    def _path(self, key: str, number: int) -> Path:
        return self.job.folder / f"{key}.{number}.claim"

    def _create(self, path: Path) -> bool:
        try:
            with path.open("x") as file:  # exclusive also on NFS, since its version 3
                file.write(self.job.name)
        except FileExistsError:
            return False
        except OSError:
            with suppress(OSError):
                path.unlink()
            raise
        return True

    def _is_held(self, path: Path) -> bool:
        try:
            holder = path.read_text(errors="replace")
            if holder:
                return self.job.is_alive(holder)
            return self.job.age(path) < STALE_S  # created, but not yet written
        except FileNotFoundError:
            return True  # until just now: to be seen at the next try
