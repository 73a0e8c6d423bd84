"""Typed access to the rows of upstream files, and the exception that drops a row."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from asft.errors import UserError, nearest

T = TypeVar("T")
Row = dict[str, Any]


class Rows:
    """Rows that are read anew each time they are gone through, so that none stays in memory."""

    def __init__(self, read: Callable[[], Iterator[Row]]) -> None:
        self._read = read

    def __iter__(self) -> Iterator[Row]:
        return self._read()


class Unusable(Exception):
    """A row or pair to be dropped; `reason` is the name it is counted under."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def in_groups(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield items in lists of `size`, the last of as many or fewer."""
    rest = iter(items)
    while group := list(islice(rest, size)):
        yield group


def value_of(row: Row, key: str) -> Any:
    """Return the value of `key`; raise `Unusable` if there is none or it is null."""
    if row.get(key) is None:
        raise Unusable(f"missing_{key}")
    return row[key]


def list_of(row: Row, key: str) -> list[Any]:
    """Return the list, not empty, under `key`; else raise `Unusable`."""
    value = value_of(row, key)
    if not isinstance(value, list) or not value:
        raise Unusable("malformed")
    return value


def text_of(value: Any) -> str:
    """Return `value` if it is a text that can be written to a file; else raise `Unusable`."""
    if not isinstance(value, str):
        raise Unusable("malformed")
    try:
        value.encode()
    except UnicodeEncodeError:  # a lone surrogate: no file and no tokenizer takes it
        raise Unusable("invalid_unicode") from None
    return value


def id_of(row: Row) -> str:
    """Return the question's id, `uid` or `question_id`, as text; else raise `Unusable`."""
    given = row.get("uid", row.get("question_id"))
    if given is None:
        raise Unusable("missing_question_id")
    if isinstance(given, bool) or not isinstance(given, str | int) or given == "":
        raise Unusable("malformed")
    return text_of(str(given))


def renamed(rows: Iterable[Row], columns: dict[str, str], key: str) -> Iterable[Row]:
    """Return the rows with `columns` renamed, a new name for each old one.

    Raises:
        UserError: no row has such a column, or a new name is taken; says so of `key`.
    """
    if not columns:
        return rows
    known = {name for row in rows for name in row}
    for old, new in columns.items() if known else ():
        if old not in known:
            turned = f"; write the file's name first: {{{new}: {old}}}" if new in known else ""
            raise UserError(
                f"{key}: no row has the column {old!r}{nearest(old, sorted(known))}{turned}"
            )
        if new in known and new not in columns:
            raise UserError(f"{key}: there is a column {new!r} already; give it another name here")
    return Rows(lambda: ({columns.get(name, name): row[name] for name in row} for row in rows))
