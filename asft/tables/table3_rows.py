"""Rows of Tables 3 and 4: what each column says of each method, and the paired differences."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import NamedTuple

from asft.config import Statistics
from asft.errors import UserError
from asft.metrics import Interval, Values, interval, measured, paired_difference
from asft.tables import paper
from asft.tables.columns import interval_cells
from asft.tables.families import beside_others
from asft.tables.table3_columns import TABLE3, MetricColumn, estimate_columns
from asft.tables.text import Row

Estimates = Mapping[str, MetricColumn]


class Entry(NamedTuple):
    """One row of Table 3 or 4 in the making; `values`, by the column's key, are (seeds, n, k)."""

    dataset: str
    method: str
    seeds: list[int]
    n: int
    values: dict[str, Values]


def columns_of(entries: list[Entry], estimates: Estimates | None = None) -> list[dict[str, Values]]:
    """Return each row's estimates, by key, over the questions that all have values of.

    A column has none where fewer than two are left; nor has a row that is not measured by it.

    Args:
        estimates: default: Table 3's `estimate_columns`.
    """
    found: list[dict[str, Values]] = [{} for _ in entries]
    for key in estimates or estimate_columns():
        having = [number for number, entry in enumerate(entries) if key in entry.values]
        kept = measured(*(entries[number].values[key] for number in having))
        if kept.sum() > 1 or kept.all():
            for number in having:
                found[number][key] = entries[number].values[key][:, kept]
    return found


def intervals_of(
    columns: dict[str, Values], statistics: Statistics, estimates: Estimates | None = None
) -> dict[str, Interval]:
    """Compute the intervals of a row's estimates, by the column's key."""
    return {
        key: interval(columns[key], column.metric.over_questions, statistics, column.span)
        for key, column in (estimates or estimate_columns()).items()
        if key in columns
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
    entries: list[Entry],
    columns: list[dict[str, Values]],
    statistics: Statistics,
    estimates: Estimates | None = None,
) -> Iterator[Row]:
    """Compare every pair of methods of a data set; yield one line per pair and metric.

    Each is over the questions that all rows have a value of. Corrected are, for each metric, a data
    set's comparisons with a baseline.

    Raises:
        UserError: methods of a data set differ in their seeds.
    """
    known = (estimates or estimate_columns()).items()
    compared = {key: column for key, column in known if column.better}
    for dataset, pairs in _pairs(entries):
        cells: dict[tuple[int, int], list[Row]] = {pair: [] for pair in pairs}
        for key, column in compared.items():
            measured_by = [(i, j) for i, j in pairs if key in columns[i] and key in columns[j]]
            for pair, line in _compared(measured_by, entries, columns, column, statistics):
                cells[pair].append(line)
        for (i, j), lines in cells.items():
            seeds = max(len(entries[i].seeds), len(entries[j].seeds))
            about = {"method_a": entries[i].method, "method_b": entries[j].method}
            for line in lines:
                yield {"dataset": dataset, **about, **line, "seeds": seeds}


def _compared(
    pairs: list[tuple[int, int]],
    entries: list[Entry],
    columns: list[dict[str, Values]],
    column: MetricColumn,
    statistics: Statistics,
) -> Iterator[tuple[tuple[int, int], Row]]:
    """The differences in one metric, each beside the others with a baseline."""
    key, metric = column.key, column.metric.over_questions
    names = [(entries[i].method, entries[j].method) for i, j in pairs]
    found = [
        paired_difference(columns[i][key], columns[j][key], metric, statistics, column.span)
        for i, j in pairs
    ]
    beside = beside_others(names, found, statistics)
    for (i, j), one, other in zip(pairs, found, beside, strict=True):
        n = {"n": columns[i][key].shape[1]}
        yield (i, j), column.difference(one) | n | column.corrected(other)


def _pairs(entries: list[Entry]) -> Iterator[tuple[str, list[tuple[int, int]]]]:
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
        yield dataset, list(combinations([*untrained, *trained], 2))
