"""Lists of items that wait in a temporary file instead of in memory."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Generic, TypeVar

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
        folder.mkdir(parents=True, exist_ok=True)
        # Beside the results: a node's /tmp may be small, or its memory.
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  it is gone with the spool
        self._pack, self._unpack = pack, unpack

    def add(self, items: Sequence[T]) -> None:
        """Add items, which are read back together."""
        packed = self._pack(items)
        self._file.write(len(packed).to_bytes(_SIZE, "little") + packed)

    def __iter__(self) -> Iterator[T]:
        self._file.seek(0)
        while size := self._file.read(_SIZE):
            yield from self._unpack(self._file.read(int.from_bytes(size, "little")))
