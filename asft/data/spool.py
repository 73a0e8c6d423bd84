"""Lists of items that wait in a temporary file instead of in memory."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from asft.files import naming

T = TypeVar("T")
_SIZE = 8  # bytes of the number before each list


class Spool(Generic[T]):
    """Items of a file without a name, read back in the order in which they were added."""

    def __init__(
        self,
        folder: Path,
        pack: Callable[[Sequence[T]], bytes],
        unpack: Callable[[bytes], Sequence[T]],
    ) -> None:
        # On the disk of the results: a node has a small /tmp, or has it in memory. But before there
        # are results no folder of theirs is made.
        there = next(f for f in (folder, *folder.absolute().parents) if f.is_dir())
        self._file = tempfile.TemporaryFile(dir=there)  # noqa: SIM115  gone with the spool
        self._folder, self._pack, self._unpack = folder, pack, unpack

    def add(self, items: Sequence[T]) -> None:
        """Add items, which are read back together."""
        packed = self._pack(items)
        with naming(self._folder):
            self._file.write(len(packed).to_bytes(_SIZE, "little") + packed)
            self._file.flush()

    def __iter__(self) -> Iterator[T]:
        self._file.seek(0)
        while size := self._file.read(_SIZE):
            yield from self._unpack(self._file.read(int.from_bytes(size, "little")))
