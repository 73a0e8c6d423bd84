"""The scores of one policy in the tables, for its model card."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from asft.config import judged_protocols
from asft.metrics import AbilityKey
from asft.report.cells import Row, read_rows
from asft.tables import TABLE3, Column, Names, Panel, names_of


class Score(NamedTuple):
    """One line of the model card, as the table has it.

    `fooled_by` are controls as good as base, `distrust` is why its judge says nothing of quality.
    """

    benchmark: str
    kind: str  # the metric's name for machines
    metric: str
    value: float
    low: float | None
    high: float | None
    n: int
    seeds: int
    judge: str = ""
    fooled_by: tuple[str, ...] = ()
    distrust: str = ""


def scores_of(
    dataset: str,
    method: str,
    table3: Path | None,
    table2: Path | None,
    columns: Sequence[tuple[str, str]],
    table4: Path | None = None,
) -> list[Score]:
    """Read the policy's scores in the tables; `columns` are (benchmark, judge) of table2.csv.

    A number that a table refused is left out.
    """
    found = []
    for row in read_rows(table3) if table3 else []:
        if (row["dataset"], row["method"]) == (dataset, method):
            for column in TABLE3:
                found += _score(row, row["benchmark"], column, column.names, row["n"])
    for row in read_rows(table4) if table4 else []:
        if (row["dataset"], row["method"]) == (dataset, method) and row["value"]:
            found.append(_ability(row))
    rows = read_rows(table2) if table2 else []
    for row in rows:
        if row["method"] == method:
            for benchmark, judge in columns:
                found += _judged(row, benchmark, judge, rows)
    return found


def _ability(row: Row) -> Score:
    number = AbilityKey.of(row)
    low, high = (float(row[name]) if row[name] else None for name in ("low", "high"))
    words = f"{number.words}, {row['unit']}".removesuffix(", ")
    counts = (int(row["n"]), int(row["seeds"]))
    return Score(number.task, number.metric, words, float(row["value"]), low, high, *counts)


def _judged(row: Row, benchmark: str, judge: str, rows: list[Row]) -> list[Score]:
    panel = _panel(row, benchmark, judge)
    n = row[panel.named("n")]
    found = _score(row, benchmark, panel.block.headline, panel.names, n)
    for column in panel.block.columns:
        name = panel.name(column, row)
        found += _score(row, benchmark, column, names_of(name, name), n)
    fooled_by = tuple(other["method"] for other in rows if panel.prefix in other["fools"].split())
    distrust = row.get(panel.named("distrust"), "")
    return [
        score._replace(
            metric=score.metric.format(judge=judge),
            judge=judge,
            fooled_by=fooled_by,
            distrust=distrust,
        )
        for score in found
    ]


def _panel(row: Row, benchmark: str, judge: str) -> Panel:
    """Tell a judge's protocol by the table: the one whose columns it has, and lacks fewest of."""

    def fit(panel: Panel) -> int:
        return sum(
            1 if panel.name(c, row) in row else -1 for c in panel.block.columns if not c.rare
        )

    panels = [Panel(benchmark, judge, protocol) for protocol in judged_protocols()]
    return max((panel for panel in panels if panel.headline in row), key=fit)


def _score(row: Row, benchmark: str, column: Column, names: Names, n: str) -> list[Score]:
    """One column's line, if it has a value and belongs on a card."""
    value, low, high = (float(cell) if (cell := row.get(name)) else None for name in names[:3])
    if value is None or not column.card:
        return []
    return [Score(benchmark, column.key, column.card, value, low, high, int(n), int(row["seeds"]))]
