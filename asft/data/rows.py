"""Typed access to the rows of upstream files, and the exception that drops a row."""

from typing import Any

from asft.errors import UserError, nearest

Row = dict[str, Any]


class Unusable(Exception):
    """A row or pair to be dropped; `reason` is the name it is counted under."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


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


def renamed(rows: list[Row], columns: dict[str, str], key: str) -> list[Row]:
    """Return the rows with `columns` renamed, a new name for each old one.

    Raises:
        UserError: no row has such a column, or a new name is taken; says so of `key`.
    """
    if not columns or not rows:
        return rows
    known = {name for row in rows for name in row}
    for old, new in columns.items():
        if old not in known:
            raise UserError(f"{key}: no row has the column {old!r}{nearest(old, sorted(known))}")
        if new in known and new not in columns:
            raise UserError(f"{key}: there is a column {new!r} already; give it another name here")
    return [{columns.get(name, name): row[name] for name in row} for row in rows]
