"""The file to which one job appends its answers; what `append` was given is on the disk.

Lines of several threads that wait for the disk go together, by one fsync.
"""

import os
import threading
from contextlib import suppress
from pathlib import Path

from asft.files import naming
from asft.generation.endpoint.store.job import Job


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    with suppress(OSError):  # some network file systems know no such thing
        os.fsync(handle)
    os.close(handle)


class _Waiting:
    def __init__(self, line: bytes) -> None:
        self.line = line
        self.done = False
        self.error: OSError | None = None


class OwnFile:
    """Appends lines; after a fault it goes on in another file, since the last line may be torn."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._number = 0
        self._handle: int | None = None
        self._waiting: list[_Waiting] = []
        self._turn = threading.Lock()  # to write; meanwhile others may join those that wait

    def append(self, line: bytes) -> None:
        """Write a line; it survives a power cut when this returns.

        Raises:
            OSError: it could not be written, for instance because the disk is full.
        """
        mine = _Waiting(line)
        self._waiting.append(mine)
        with self._turn:
            if not mine.done:
                self._write_waiting()
        if mine.error:
            raise mine.error

    def close(self) -> None:
        """Close the file."""
        with self._turn:
            self._leave()

    def _write_waiting(self) -> None:
        taken = self._waiting[:]
        del self._waiting[: len(taken)]
        try:
            self._write(b"".join(each.line for each in taken))
        except OSError as error:
            self._leave()
            for each in taken:
                each.error = error
        for each in taken:
            each.done = True

    def _write(self, content: bytes) -> None:
        handle = self._opened()
        with naming(self._path):
            left = memoryview(content)
            while left:
                left = left[os.write(handle, left) :]
            os.fsync(handle)
        if not os.fstat(handle).st_nlink:  # removed from under us
            self._leave()
            self._write(content)

    @property
    def _path(self) -> str:
        return str(self.job.folder / f"{self.job.name}.{self._number}.jsonl")

    def _opened(self) -> int:
        if self._handle is None:
            self.job.begin()
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
            self._handle = os.open(self._path, flags, 0o666)
            sync_folder(self.job.folder)
        return self._handle

    def _leave(self) -> None:
        if self._handle is not None:
            with suppress(OSError):
                os.close(self._handle)
            self._handle = None
            self._number += 1
