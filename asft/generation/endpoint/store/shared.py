"""The store as its users see it: get an answer, claim a call, put an answer."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from asft.errors import UserError
from asft.generation.endpoint.store.claims import Claims
from asft.generation.endpoint.store.compaction import compact
from asft.generation.endpoint.store.job import Job
from asft.generation.endpoint.store.lines import decode, encode, is_of
from asft.generation.endpoint.store.own_file import OwnFile
from asft.generation.endpoint.store.reading import Answers
from asft.generation.endpoint.store.reply import Reply
from asft.generation.endpoint.store.sqlite_import import IMPORTED, import_sqlite

SUFFIX, OLDER = ".answers", ".sqlite"


class Store:
    """Answers by key; safe to share between threads, processes and machines, without locks."""

    def __init__(self, path: Path | str, *, read_only: bool = False) -> None:
        """Open the store, making it if it is not there.

        Args:
            path: its folder; for a name in `.sqlite`, that of the same name in `.answers`. Answers
                of an SQLite file of that name are imported, once.
            read_only: only replay: nothing is written, and the store must exist.

        Raises:
            UserError: the store is missing or damaged; nothing is ever deleted.
        """
        path = Path(path)
        self.path = path.with_suffix(SUFFIX) if path.suffix == OLDER else path
        self.read_only = read_only
        self._open = ExitStack()
        self._job = Job(self.path)
        self._claims, self._file = Claims(self._job), OwnFile(self._job)
        self._written: set[str] = set()
        older = self.path.with_suffix(OLDER)
        if read_only and not self.path.is_dir() and not older.is_file():
            raise UserError(f"{self.path}: no such store of judge answers; give the path of one")
        with self._faults():
            if not read_only:
                self.path.mkdir(parents=True, exist_ok=True)
            folders = [self.path] if self.path.is_dir() else []
            if older.is_file() and not (self.path / IMPORTED).exists():
                to = self.path
                if read_only:
                    to = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="asft-")))
                    folders.append(to)
                import_sqlite(older, to)
            self._answers = Answers(*folders)
            self._answers.refresh()

    def find(self, keys: Iterable[str]) -> dict[str, Reply]:
        """Return the answers that are stored under some of `keys`, by whatever job."""
        with self._faults():
            self._answers.refresh()
            lines = {key: self._answers.line(key) for key in keys}
            return {key: decode(line) for key, line in lines.items() if line}

    def get(self, key: str) -> Reply | None:
        """Return the answer stored under `key`; None if there is none."""
        with self._faults():
            if key not in self._answers:
                self._answers.refresh()
            line = self._answers.line(key)
            return decode(line) if line else None

    def keys(self) -> set[str]:
        """Return the keys of all answers that were seen when it was last asked for some."""
        return self._answers.keys()

    def answers_of(self, endpoint: str, model: str, keys: Iterable[str]) -> Iterator[Reply]:
        """Yield the answers of one model at one server that are stored under some of `keys`."""
        with self._faults():
            for key in keys:
                line = self._answers.line(key)
                if line and is_of(line, endpoint, model):
                    yield decode(line)

    def claim(self, key: str) -> bool:
        """Tell whether this job alone may ask for the answer to `key`, until it lets go of it.

        If not, it has been answered meanwhile, or another job is asking.
        """
        with self._faults():
            if not self._claims.take(key):
                return False
            self._answers.refresh()  # the holder before has written, then let go
            if key in self._answers:
                self._claims.release(key)
                return False
            return True

    def release(self, key: str) -> None:
        """Let go of a call, answered or not."""
        with self._faults():
            self._claims.release(key)

    def put(self, key: str, request: Mapping[str, Any], answer: Reply) -> None:
        """Store an answer; on disk when this returns. The first answer under a key stays.

        Raises:
            UserError: it could not be written, for instance because the disk is full.
        """
        if self.read_only:
            raise UserError(f"{self.path}: opened readonly")
        with self._faults():
            if key not in self._answers and key not in self._written:
                self._file.append(encode(key, dict(request), answer._asdict()))
                self._written.add(key)

    def close(self) -> None:
        """Let go of all calls; what others wrote may still be read."""
        with self._faults():
            self._file.close()
            self._claims.release_all()
            if self._job.begun:
                with suppress(OSError, ValueError):  # not worth an error: all answers are kept
                    compact(self.path)
            self._job.end()
            self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UserError(
                f"{error.filename or self.path}: {error.strerror or error}; check the disk's space"
                " and the permissions of the store of judge answers"
            ) from error
