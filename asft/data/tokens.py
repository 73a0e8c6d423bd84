"""Pairs as token ids, and the folder that keeps them (`tokens/pairs.parquet`)."""

from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal, TypeAlias, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from asft.data.pair_numbers import number_columns, said_of_any
from asft.data.rows import in_groups
from asft.data.token_pair import Ids, TokenPair
from asft.errors import UserError
from asft.parquet import GROUP, read_groups, write_groups
from asft.records import NO_NUMBERS, PairNumbers

Split: TypeAlias = Literal["train", "heldout"]
FILE = "pairs.parquet"
_LISTS = ("prompt", "chosen", "rejected")


def write_tokens(folder: Path, splits: Sequence[Split], pairs: Sequence[TokenPair]) -> None:
    """Write `folder`/pairs.parquet: id, split, list<int32> prompt, chosen, rejected, numbers."""
    names = said_of_any(pair.numbers for pair in pairs)
    write_token_groups(folder, in_groups(zip(splits, pairs, strict=True), GROUP), names)


def write_token_groups(
    folder: Path, groups: Iterable[Sequence[tuple[Split, TokenPair]]], numbers: Sequence[str]
) -> None:
    """Write the same from groups of pairs, of which one is in memory at a time.

    Args:
        groups: of `parquet.GROUP` pairs each, the last of as many or fewer.
        numbers: the numbers that are said of any pair (`pair_numbers.said_of_any`).
    """
    tables = (_table(group, numbers) for group in groups)
    write_groups(folder / FILE, _schema(numbers), tables)


def _schema(numbers: Sequence[str]) -> pa.Schema:
    fields = [("id", pa.string()), ("split", pa.string())]
    fields += [(name, pa.list_(pa.int32())) for name in _LISTS]
    return pa.schema([*fields, *((name, pa.float64()) for name in numbers)])


def _table(group: Sequence[tuple[Split, TokenPair]], numbers: Sequence[str]) -> pa.Table:
    pairs = [pair for _, pair in group]
    columns: dict[str, Any] = {
        "id": pa.array([pair.id for pair in pairs], pa.string()),
        "split": pa.array([split for split, _ in group], pa.string()),
    }
    columns |= {name: _list_array([getattr(p, name) for p in pairs]) for name in _LISTS}
    columns |= number_columns([pair.numbers for pair in pairs], numbers)
    return pa.table(columns, schema=_schema(numbers))


def packed(pairs: Sequence[TokenPair]) -> bytes:
    """Return pairs as bytes, for `unpacked`."""
    table = _table([("train", pair) for pair in pairs], PairNumbers._fields)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def unpacked(content: bytes) -> Sequence[TokenPair]:
    """Read pairs that `packed` made bytes."""
    return _Part(pa.ipc.open_stream(content).read_all())


def read_tokens(folder: Path, split: Split) -> Sequence[TokenPair]:
    """Read the pairs of one split in file order, as read-only views into buffers of many.

    Raises:
        UserError: the folder holds no tokens, or damaged ones.
    """
    path = folder / FILE
    if not path.is_file():
        raise UserError(f"{path}: no such file; make it with `asft prepare-dataset`")
    parts = []
    for group in read_groups(path):
        if missing := {"id", "split", *_LISTS}.difference(group.column_names):
            raise UserError(f"{path}: no column {min(missing)}; delete it and rerun")
        # Not by `filters`: they trust statistics in the footer, which has no checksum.
        part = group.filter(pc.equal(group["split"], split))
        if len(part):
            parts.append(_Part(part))
    return Joined(parts)


class Pairs(Sequence[TokenPair]):
    """A sequence of pairs, each made by `at` when it is asked for."""

    @abstractmethod
    def at(self, place: int) -> TokenPair:
        """Return the pair at a place, counted from 0."""

    @overload
    def __getitem__(self, index: int) -> TokenPair: ...
    @overload
    def __getitem__(self, index: slice) -> list[TokenPair]: ...
    def __getitem__(self, index: int | slice) -> TokenPair | list[TokenPair]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        return self.at(range(len(self))[index])


class Joined(Pairs):
    """Several sequences of pairs as one, of which none is copied."""

    def __init__(self, parts: Sequence[Sequence[TokenPair]]) -> None:
        self._parts = parts
        self._ends = list(accumulate(map(len, parts)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def at(self, place: int) -> TokenPair:
        number = bisect_right(self._ends, place)
        return self._parts[number][place - self._ends[number]]


class _Part(Pairs):
    """The pairs of a group of a file's rows."""

    def __init__(self, table: pa.Table) -> None:
        self._ids: list[str] = table["id"].to_pylist()
        self._columns: list[tuple[Any, Ids]] = []
        for name in _LISTS:
            column = table[name].combine_chunks()
            # Copied: what Arrow would keep lies between what it frees, and holds that too.
            ids = column.values.to_numpy().copy()
            ids.flags.writeable = False
            self._columns.append((column.offsets.to_numpy().copy(), ids))
        numbers = [
            table[name].to_numpy() if name in table.column_names else np.full(len(table), nothing)
            for name, nothing in NO_NUMBERS._asdict().items()
        ]
        self._numbers = np.stack(numbers, axis=1)

    def __len__(self) -> int:
        return len(self._ids)

    def at(self, place: int) -> TokenPair:
        prompt, chosen, rejected = (
            ids[ends[place] : ends[place + 1]] for ends, ids in self._columns
        )
        numbers = PairNumbers(*self._numbers[place].tolist())
        return TokenPair(self._ids[place], prompt, chosen, rejected, numbers)


def _list_array(rows: list[Ids]) -> Any:
    ends = np.cumsum([len(row) for row in rows], dtype=np.int64)
    offsets = pa.array([0, *ends], pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.array(np.concatenate(rows)))
