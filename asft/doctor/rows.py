"""What an examination finds: a row a check, which goes on where another has failed."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from asft.doctor.tokens import ShownPair
from asft.errors import UserError

State = Literal["ok", "note", "problem"]


class Row(NamedTuple):
    """One check: how it stands, what was found, what to do. A problem would stop a run."""

    check: str
    state: State
    found: str
    advice: str = ""


class Examination(NamedTuple):
    """All that was found: rows under the titles of their sections, and the pairs that are shown."""

    sections: list[tuple[str, list[Row]]]
    pairs: list[ShownPair]

    def count(self, state: State) -> int:
        """Count the rows that stand so."""
        return sum(row.state == state for _, rows in self.sections for row in rows)

    @property
    def summary(self) -> str:
        """One line: how many problems and notes there are."""
        problems, notes = self.count("problem"), self.count("note")
        if not problems:
            return f"no problem would stop a run; notes: {notes}"
        return f"problems that would stop a run: {problems}; notes: {notes}"


def examined(name: str, check: Callable[[], Iterable[Row]]) -> list[Row]:
    """Return the rows of a check, and one more where it fails: a problem, with the error's words.

    Args:
        name: of that row.
    """
    rows: list[Row] = []
    try:
        for row in check():  # those before an error count
            rows.append(row)
    except UserError as error:
        rows.append(Row(name, "problem", str(error)))
    except Exception as error:  # whatever a library makes of this machine
        words = " ".join(str(error).split())[:300]
        rows.append(Row(name, "problem", f"{type(error).__name__}: {words}".rstrip(": ")))
    return rows


def size_of(count: float) -> str:
    """Return a number of bytes in GB, or in MB where it is less than one."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def first_of(names: Sequence[str], most: int = 5) -> str:
    """Return the first of some names in one text, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
