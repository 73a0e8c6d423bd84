"""The description of a table's column, declared once, in table2_columns or table3_columns.

CSV, Markdown, LaTeX, the report, model cards and figures go over those rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from asft.metrics import Corrected, Difference, Interval, outcome
from asft.tables.text import NONE, Row, bracketed, spread

OPPOSITE = {"better": "worse", "worse": "better"}
# The columns of differences that are corrected for the number compared with a baseline.
CORRECTED = ("compared", "p_holm", "low_simultaneous", "high_simultaneous", "verdict_corrected")


class Names(NamedTuple):
    """The names that the parts of an estimate have in the CSV."""

    value: str
    low: str
    high: str
    seed_sd: str


def names_of(value: str, bounds: str) -> Names:
    """Name an estimate and its interval, whose ends begin with `bounds`."""
    return Names(value, *(f"{bounds}_{end}" for end in ("low", "high", "seed_sd")))


def number(cell: Any) -> float | None:
    """Read a cell of a table or of its CSV; None where it is empty or NaN."""
    value = None if cell in (None, "") else float(cell)
    return value if value == value else None


def interval_cells(names: Names, found: Interval) -> Row:
    """Return the cells of an estimate as the CSV holds them; one seed has no spread."""
    values = (found.value, found.low, found.high, number(found.seed_sd))
    return dict(zip(names, values, strict=True))


@dataclass(frozen=True, kw_only=True)
class Column:
    """One number of a table: its name in the CSV, and what it is called wherever it is shown.

    A text that is "" keeps the column out of that output. A cell holds, by `kind`, an estimate
    (with an interval and the spread between seeds), a number, a share (shown as per cent), the two
    ends of an interval, a number with its interval ("bounded"), or means, one a name.
    """

    key: str  # in the CSV; in Table 2 behind the panel's prefix
    label: str  # head in Markdown
    tex: str = ""  # head in LaTeX
    digits: int = 0
    kind: Literal["estimate", "number", "share", "interval", "bounded", "means"] = "number"
    better: Literal["higher", "lower", ""] = ""  # of an estimate; "": methods are not compared
    page: str = ""  # head in the report
    card: str = ""  # in the model card; may hold {judge}
    figure: str = ""  # title in the figure of differences
    unit: str = ""  # of differences

    def cells(self, name: str, value: Any) -> Row:
        """Return the cells of a value as the CSV holds them, under `name`."""
        if self.kind == "interval":
            low, high = value or (None, None)
            return {f"{name}_low": low, f"{name}_high": high}
        if self.kind == "bounded":
            names = (name, f"{name}_low", f"{name}_high")
            return dict(zip(names, value or [None] * 3, strict=True))
        if self.kind == "means":
            return {f"{name}_{part}": number(mean) for part, mean in value.items() if part}
        return {name: number(value)}

    def text(self, row: Mapping[str, Any], name: str, none: str = NONE) -> str:
        """Return the text of value `name` in a row of a table or its CSV.

        Of an estimate it holds no interval.
        """
        if self.kind == "interval":
            low, high = (number(row.get(f"{name}_{end}")) for end in ("low", "high"))
            return none if low is None or high is None else bracketed(low, high, self.digits)
        value = number(row.get(name))
        if value is None:
            return none
        if self.kind == "share":
            return f"{100 * value:z.{self.digits}f} %"
        if self.kind == "bounded":
            low, high = (float(row[f"{name}_{end}"]) for end in ("low", "high"))
            return f"{value:z.{self.digits}f} {bracketed(low, high, self.digits)}"
        return f"{value:z.{self.digits}f}"

    def estimate(self, row: Row, names: Names) -> str:
        """Return the text of an estimate in a table's row; one question has no interval."""
        value, low, high, seed_sd = (row[name] for name in names)
        if value is None:
            return NONE
        shown = f"{value:z.{self.digits}f}{spread(seed_sd, self.digits)}"
        return shown if number(low) is None else f"{shown} {bracketed(low, high, self.digits)}"

    def difference(self, found: Difference) -> Row:
        """Return the cells of a difference of two methods as the CSV of differences holds them."""
        return {
            "metric": self.key,
            "difference": found.value,
            "low": found.low,
            "high": found.high,
            "p_value": found.p_value,
            "verdict": self._word(outcome(found)),
        }

    def corrected(self, found: Corrected | None) -> Row:
        """Return the cells of what is left of a difference beside others; empty where None."""
        if found is None:
            return dict.fromkeys(CORRECTED)
        cells = (found.compared, found.p_holm, found.low, found.high, self._word(found.outcome))
        return dict(zip(CORRECTED, cells, strict=True))

    def _word(self, outcome: str) -> str:
        """The first's outcome, where more may be worse."""
        first, *more = outcome.split(" ", 1)
        word = OPPOSITE.get(first, first) if self.better == "lower" else first
        return " ".join([word, *more])
