"""Table 3's rows: what each column says of each method, and the paired differences."""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

from asft.config import Statistics
from asft.errors import UserError
from asft.metrics import Interval, Values, interval, measured, paired_difference
from asft.tables import paper
from asft.tables.columns import interval_cells
from asft.tables.table3_columns import TABLE3, MetricColumn, estimate_columns
from asft.tables.text import Row


class Entry(NamedTuple):
    """One row of Table 3 in the making; `values`, by the column's key, are (seeds, n, k)."""

    dataset: str
    method: str
    seeds: list[int]
    n: int
    values: dict[str, Values]


def intervals_of(entry: Entry, statistics: Statistics) -> dict[str, Interval]:
    """Compute the intervals of a row's `estimate_columns`, by the column's key.

    A column that most questions have no value of, so that fewer than two are left, has none.
    """
    return {
        key: interval(kept[0], column.metric.over_questions, statistics)
        for key, column in estimate_columns().items()
        if (kept := _measured(entry.values[key]))
    }


def _measured(*sides: Values) -> list[Values] | None:
    """The questions that have values on all sides; None if they are too few to say anything."""
    kept = measured(*sides)
    if kept.all():
        return list(sides)
    return [side[:, kept] for side in sides] if kept.sum() > 1 else None


def row_of(entry: Entry, intervals: dict[str, Interval]) -> Row:
    """Return a line of the CSV: all values, then their intervals, then what has none."""
    row: Row = {"dataset": entry.dataset, "method": entry.method, "seeds": len(entry.seeds)}
    estimates = estimate_columns()
    row |= {key: intervals[key].value if key in intervals else None for key in estimates}
    for key, column in estimates.items():
        empty = dict.fromkeys(column.names)
        row |= interval_cells(column.names, intervals[key]) if key in intervals else empty
    row["n"] = entry.n
    for column in TABLE3:
        if column.kind != "estimate":
            row |= column.cells(column.key, _of_all(column, entry.values[column.key]))
    published = paper.TABLE3.get((entry.dataset, entry.method), (None,) * len(paper.TABLE3_METRICS))
    names = [f"paper_{metric}" for metric in paper.TABLE3_METRICS]
    return row | dict(zip(names, published, strict=True))


def _of_all(column: MetricColumn, values: Values) -> float:
    """The answers of all seeds together: (seeds, n, k) -> one value."""
    return float(column.metric.over_questions(values.reshape(-1, values.shape[-1])))


def differences_of(entries: list[Entry], statistics: Statistics) -> Iterator[Row]:
    """Compare every pair of methods of a data set; yield one line per pair and metric.

    Each is over the questions that both have a value of.

    Raises:
        UserError: methods of a data set differ in their seeds.
    """
    compared = {key: column for key, column in estimate_columns().items() if column.better}
    for dataset, first, second in _pairs(entries):
        for key, column in compared.items():
            both = _measured(first.values[key], second.values[key])
            if not both:
                continue
            one, other = both
            found = paired_difference(one, other, column.metric.over_questions, statistics)
            yield {
                "dataset": dataset,
                "method_a": first.method,
                "method_b": second.method,
                **column.difference(found, statistics),
                "n": one.shape[1],
                "seeds": max(len(first.seeds), len(second.seeds)),
            }


def _pairs(entries: list[Entry]) -> Iterator[tuple[str, Entry, Entry]]:
    """Who is compared, by data set; the untrained policy answers the same questions in each."""
    untrained = [entry for entry in entries if entry.dataset == "-"]
    for dataset in dict.fromkeys(entry.dataset for entry in entries if entry.dataset != "-"):
        trained = [entry for entry in entries if entry.dataset == dataset]
        for first, second in combinations(trained, 2):
            if first.seeds != second.seeds:
                raise UserError(
                    f"{dataset}: {first.method} has seeds {first.seeds}, {second.method} has"
                    f" {second.seeds}; compare methods over the same seeds"
                )
        for pair in combinations([*untrained, *trained], 2):
            yield (dataset, *pair)
