"""Table 3's rows: what each column says of each method, and the paired differences."""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np

from asft.config import Statistics
from asft.errors import UserError
from asft.metrics import (
    Interval,
    Sums,
    Values,
    measured,
    resample,
    resampled_difference,
    resampled_interval,
)
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


def sums_of(entries: list[Entry], statistics: Statistics) -> list[dict[str, Sums]]:
    """Resample the questions of all rows at once; of each row's `estimate_columns`, by key.

    A column is of the questions that it has a value of in all rows, and has none where fewer than
    two are left.
    """
    columns: dict[bytes, list[str]] = {}  # that are of the same questions
    for key in estimate_columns():
        kept = measured(*(entry.values[key] for entry in entries))
        if kept.sum() > 1 or kept.all():
            columns.setdefault(kept.tobytes(), []).append(key)
    found: list[dict[str, Sums]] = [{} for _ in entries]
    for mask, keys in columns.items():
        kept = np.frombuffer(mask, dtype=np.bool_)
        sides = [entry.values[key][:, kept] for entry in entries for key in keys]
        sums = iter(resample(sides, statistics))
        for row in found:
            row |= {key: next(sums) for key in keys}
    return found


def intervals_of(sums: dict[str, Sums], statistics: Statistics) -> dict[str, Interval]:
    """Compute the intervals of a row's `estimate_columns`, by the column's key."""
    return {
        key: resampled_interval(sums[key], column.metric.over_questions, statistics)
        for key, column in estimate_columns().items()
        if key in sums
    }


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


def differences_of(
    entries: list[Entry], sums: list[dict[str, Sums]], statistics: Statistics
) -> Iterator[Row]:
    """Compare every pair of methods of a data set; yield one line per pair and metric.

    Each is over the questions that all rows have a value of.

    Raises:
        UserError: methods of a data set differ in their seeds.
    """
    compared = {key: column for key, column in estimate_columns().items() if column.better}
    for dataset, i, j in _pairs(entries):
        first, second = entries[i], entries[j]
        for key, column in compared.items():
            if key not in sums[i]:
                continue
            found = resampled_difference(
                sums[i][key], sums[j][key], column.metric.over_questions, statistics
            )
            yield {
                "dataset": dataset,
                "method_a": first.method,
                "method_b": second.method,
                **column.difference(found, statistics),
                "n": sums[i][key].values.shape[1],
                "seeds": max(len(first.seeds), len(second.seeds)),
            }


def _pairs(entries: list[Entry]) -> Iterator[tuple[str, int, int]]:
    """Who is compared, by data set; the untrained policy answers the same questions in each."""
    places: dict[str, list[int]] = {}
    for place, entry in enumerate(entries):
        places.setdefault(entry.dataset, []).append(place)
    untrained = places.pop("-", [])
    for dataset, trained in places.items():
        for first, second in combinations([entries[i] for i in trained], 2):
            if first.seeds != second.seeds:
                raise UserError(
                    f"{dataset}: {first.method} has seeds {first.seeds}, {second.method} has"
                    f" {second.seeds}; compare methods over the same seeds"
                )
        for pair in combinations([*untrained, *trained], 2):
            yield (dataset, *pair)
