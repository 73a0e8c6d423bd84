"""Rows that cannot be used, counted by reason."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from asft.data.rows import Row, Unusable
from asft.errors import UserError
from asft.progress import Bar

T = TypeVar("T")


class Drops:
    """Count of rows, and of those that cannot be used by reason."""

    def __init__(self) -> None:
        self.rows = 0
        self.reasons: Counter[str] = Counter()
        self.first: dict[str, str] = {}

    def sift(self, rows: Iterable[Row], label: str, use: Callable[[Row], T]) -> list[T]:
        """Apply `use` to the rows; leave out and count those for which it raises `Unusable`."""
        kept = []
        for number, row in enumerate(Bar(rows, desc=f"{label}s", unit=label), 1):
            self.rows += 1
            try:
                kept.append(use(row))
            except Unusable as fault:
                self.count(fault, f"{label} {number}")
        return kept

    def count(self, fault: Unusable, where: str) -> None:
        """Count a row that cannot be used."""
        self.reasons[fault.reason] += 1
        self.first.setdefault(fault.reason, where)

    def check(self, limit: float, where: str, key: str) -> None:
        """Refuse rows of which none is usable, or a larger share than `limit` is not.

        Raises:
            UserError: says what was dropped, and which `key` to raise.
        """
        dropped = self.reasons.total()
        if dropped == self.rows:
            raise UserError(f"{where}: no usable row of {self}{self._template()}")
        if dropped / self.rows > limit:
            raise UserError(
                f"{where}: {dropped / self.rows:.1%} unusable of {self}; "
                f"fix the data or raise {key} (now {limit}){self._template()}"
            )

    def _template(self) -> str:
        if not any(reason.startswith("unrendered_") for reason in self.reasons):
            return ""
        return (
            "; the chat template leaves out what is unrendered: take one that shows it"
            " (models.<name>.chat_template), or train on the rest (tokens.keep_without)"
        )

    def counts(self) -> dict[str, Any]:
        """Return the part of a card that says what was dropped."""
        return {
            "rows": self.rows,
            "dropped": dict(sorted(self.reasons.items())),
            "first_dropped": dict(sorted(self.first.items())),
            "dropped_share": round(self.reasons.total() / max(1, self.rows), 6),
        }

    def __str__(self) -> str:
        reasons = (f"{r} {n} (first: {self.first[r]})" for r, n in self.reasons.most_common())
        return f"{self.rows} rows" + "".join(f", {reason}" for reason in reasons)
