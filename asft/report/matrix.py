"""Who beats whom: every pair of methods of a table, methods against methods, a metric at a time.

A page of its own: these grow with the square of the methods, and the front page does not.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from asft.config import Config
from asft.metrics import AbilityKey
from asft.report import abilities
from asft.report.cells import (
    NONE,
    HtmlCell,
    HtmlTable,
    Row,
    heads,
    judged_key,
    key_of,
    read_rows,
    samples_link,
)
from asft.tables import Column, estimate_columns, headlines, signed

REMARK = "Row minus column, over the same questions; each alone, not corrected for their number."
TURNED = {"better": "worse", "worse": "better"}
Link = Callable[[Row, str, str], str]  # a difference, row's method, column's method -> evidence


def matrices(results: Path, config: Config) -> list[HtmlTable]:
    """Return a table of methods against methods for each group and metric of Tables 2 to 4."""
    found: list[HtmlTable] = []
    if config.tables.table2:
        rows = read_rows(results / "table2.differences.csv")
        found += _tables(rows, ("benchmark", "judge"), headlines(), _judged_link(config))
    rows = read_rows(results / "table3.differences.csv")
    found += _tables(rows, ("dataset",), estimate_columns(), _link(config))
    if config.tables.table4:
        found += _ability_tables(read_rows(results / "table4.differences.csv"), config)
    return found


def _ability_tables(rows: list[Row], config: Config) -> Iterator[HtmlTable]:
    def link(row: Row, a: str, b: str) -> str:
        keys = [key_of(config, row["dataset"], method) for method in (a, b)]
        return abilities.link(row, m=keys[0], v=keys[1])

    groups: dict[tuple[str, AbilityKey], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["dataset"], AbilityKey.of(row)), []).append(row)
    for (dataset, number), found in groups.items():
        title, digits = f"{dataset}: {number.words}", abilities.digits_of(found[0])
        yield _table(title, found, digits, link)


def _link(config: Config) -> Link:
    def link(row: Row, a: str, b: str) -> str:
        keys = [key_of(config, row["dataset"], method) for method in (a, b)]
        benchmark = config.tables.table3.benchmark
        return samples_link(benchmark, m=keys[0], v=keys[1], s=row["metric"])

    return link


def _judged_link(config: Config) -> Link:
    def link(row: Row, a: str, b: str) -> str:
        keys = [judged_key(config, method) for method in (a, b)]
        return samples_link(row["benchmark"], m=keys[0], v=keys[1], s=row["judge"])

    return link


def _tables(
    rows: list[Row], about: tuple[str, ...], columns: Mapping[str, Column], link: Link
) -> Iterator[HtmlTable]:
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in (*about, "metric")), []).append(row)
    for (*names, metric), found in groups.items():
        title = f"{', '.join(names)}: {columns[metric].label} ({metric})"
        yield _table(title, found, columns[metric].digits, link)


def _table(title: str, rows: list[Row], digits: int, link: Link) -> HtmlTable:
    pairs = {(row["method_a"], row["method_b"]): row for row in rows}
    methods = list(dict.fromkeys(name for pair in pairs for name in pair))
    lines = [
        [HtmlCell(first, method=first)]
        + [_cell(pairs, first, second, digits, link) for second in methods]
        for first in methods
    ]
    counts = f"{sum(row['verdict'] in TURNED for row in rows)} of {len(rows)} pairs are separable."
    head = [*heads("−"), *(HtmlCell(name, number=True) for name in methods)]
    return HtmlTable(title, f"{REMARK} {counts}", head, lines)


def _cell(
    pairs: dict[tuple[str, str], Row], first: str, second: str, digits: int, link: Link
) -> HtmlCell:
    row, sign = pairs.get((first, second)), 1
    if row is None:
        row, sign = pairs.get((second, first)), -1
    if row is None or not row["difference"]:
        return HtmlCell(NONE, number=True)
    word = row["verdict"] if sign == 1 else TURNED.get(row["verdict"], row["verdict"])
    value = signed(sign * float(row["difference"]), digits)
    below = word if word in TURNED else ""
    return HtmlCell(value, below, link=link(row, first, second), number=True)
