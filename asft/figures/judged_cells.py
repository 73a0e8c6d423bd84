"""The score files of Table 2, method by method, and what the table refused to show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from asft.errors import UserError
from asft.metrics import Judged, pool, read_verdict_scores
from asft.tables import Panel, ScoreFile


class Cell(NamedTuple):
    """A method under one judge: its files, one per seed, and what they hold together."""

    method: str
    column: Panel
    judged: Judged
    paths: tuple[Path, ...]


def read_cells(files: Sequence[ScoreFile], pairwise: bool) -> list[Cell]:
    """Read the cells of win rates (`pairwise`) or of other scores, in order of first mention.

    Raises:
        UserError: a file is unusable, or the seeds of a method differ in their questions.
    """
    groups: dict[tuple[str, str, str], list[Path]] = {}
    for file in files:
        groups.setdefault((file.method, file.benchmark, file.judge), []).append(file.path)
    cells = []
    for (method, benchmark, judge), paths in groups.items():
        judged = pool([read_verdict_scores(path) for path in paths])
        column = Panel(benchmark, judge, judged.protocol)
        if column.pairwise == pairwise:
            cells.append(Cell(method, column, judged, tuple(paths)))
    return cells


def read_table2(path: Path) -> pd.DataFrame:
    """Read Table 2, by method; a cell that the table refused is NaN.

    Raises:
        UserError: no such file, or no column `method`.
    """
    try:
        table = pd.read_csv(path)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    if "method" not in table:
        raise UserError(f"{path}: no column 'method'; is this table2.csv?")
    return table.set_index("method")


def shown(cell: Cell, table: pd.DataFrame, path: Path) -> bool:
    """Tell whether Table 2 gives the cell a value, or refused it for lack of verdicts.

    Raises:
        UserError: the table has no such row or column.
    """
    if cell.method not in table.index or cell.column.headline not in table:
        raise UserError(f"{path}: no cell {cell.method!r}, {cell.column.headline!r}")
    return bool(table[cell.column.headline].notna()[cell.method])
