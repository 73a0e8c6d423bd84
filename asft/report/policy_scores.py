"""What the tables say of one policy, for its model card."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

Row = dict[str, str]
REFERENCE_METRICS = {
    "lf_bleu4": "BLEU-4",
    "lf_rouge1": "ROUGE-1",
    "lf_rouge2": "ROUGE-2",
    "lf_rougeL": "ROUGE-L",
}


class Score(NamedTuple):
    """One line of the card, as the table has it; `fooled_by` are controls as good as base."""

    benchmark: str
    kind: str  # the metric's name for machines
    metric: str
    value: float
    low: float
    high: float
    n: int
    seeds: int
    judge: str = ""
    fooled_by: tuple[str, ...] = ()


def scores_of(
    dataset: str,
    method: str,
    table3: Path | None,
    table2: Path | None,
    columns: Sequence[tuple[str, str]],
) -> list[Score]:
    """The policy's rows in the tables; `columns` are (benchmark, judge) of table2.csv.

    A number that a table refused is left out.
    """
    found = []
    for row in _rows(table3):
        if (row["dataset"], row["method"]) == (dataset, method):
            for column, label in REFERENCE_METRICS.items():
                found += _score(row, row["benchmark"], column, label, column, row["n"])
    rows = _rows(table2)
    for row in rows:
        if row["method"] == method:
            for benchmark, judge in columns:
                found += _judged(row, benchmark, judge, rows)
    return found


def _rows(path: Path | None) -> list[Row]:
    if path is None:
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _judged(row: Row, benchmark: str, judge: str, rows: list[Row]) -> list[Score]:
    if f"{benchmark}_win_rate" in row:
        kind, column, metric = "win_rate", benchmark, f"win rate by {judge}, %"
        found = _score(row, benchmark, kind, metric, column, row[f"{column}_n"], "_win_rate")
    else:
        kind, column, metric = "rating", f"{benchmark}_{judge}", f"rating by {judge}, 1-10"
        found = _score(row, benchmark, kind, metric, column, row[f"{column}_n"])
    fooled_by = tuple(other["method"] for other in rows if column in other["fools"].split())
    return [score._replace(judge=judge, fooled_by=fooled_by) for score in found]


def _score(
    row: Row, benchmark: str, kind: str, metric: str, column: str, n: str, ending: str = ""
) -> list[Score]:
    value = row[f"{column}{ending}"]
    if not value:
        return []
    low, high = float(row[f"{column}_low"]), float(row[f"{column}_high"])
    return [
        Score(benchmark, kind, metric, float(value), low, high, int(n), int(row["seeds"])),
    ]
