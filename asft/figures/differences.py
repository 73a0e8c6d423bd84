"""Forest plot: every paired difference between two methods, with its interval."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from asft.config import Statistics
from asft.errors import UserError
from asft.figures.forest import draw_differences, drawn_columns
from asft.figures.marks import About
from asft.figures.plotting import (
    render,
)

NEEDED = ("method_a", "method_b", "metric", "difference", "low", "high")


def read_differences(table2: Path | None, table3: Path) -> pd.DataFrame:
    """Read both tables' differences into one table, under each other.

    Columns: table, group (what shares a row of panels), panel, then those of the files. Rows
    without a difference, or of other metrics, are left out; `verdict` is there if a file has it.

    Raises:
        UserError: a file is missing or has not the columns of a table's differences.
    """
    parts = []
    for number, path in ((2, table2), (3, table3)):
        if path is None:
            continue
        rows = _read(path, ("benchmark", "judge") if number == 2 else ("dataset",))
        titles = {metric: column.figure for metric, column in drawn_columns().items()}
        rows = rows[rows["metric"].isin(titles)].copy()
        labels = rows["metric"].map(titles)
        if number == 2:
            group = pd.Series("judged benchmarks", rows.index)
            panel = rows["benchmark"] + ", " + rows["judge"] + "\n" + labels
        else:
            group, panel = "trained on " + rows["dataset"], labels
        rows.insert(0, "table", number)
        rows.insert(1, "group", group)
        rows.insert(2, "panel", panel)
        parts.append(rows)
    together = pd.concat(parts, ignore_index=True)
    return together[together["difference"].notna()].reset_index(drop=True)


def _read(path: Path, more: Sequence[str]) -> pd.DataFrame:
    try:
        rows = pd.read_csv(path)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except pd.errors.EmptyDataError as error:
        raise UserError(f"{path}: empty; is this a table's differences?") from error
    for column in (*more, *NEEDED):
        if column not in rows:
            raise UserError(f"{path}: no column {column!r}; is this a table's differences?")
    return rows.astype(dict.fromkeys((*more, "method_a", "method_b", "metric"), str))


def plot_differences(
    table2: Path | None, table3: Path, statistics: Statistics, about: About, out: Path
) -> None:
    """Write the forest plot of both tables' paired differences.

    Raises:
        UserError: a file is missing or not a table's differences.
    """
    numbers = read_differences(table2, table3)
    render(partial(draw_differences, numbers, statistics, about), numbers, out)


def make_figure_differences(
    settings: str, table3: Path, out: Path, table2: Path | None = None
) -> None:
    """Draw the forest plot of all paired differences.

    Args:
        settings: this step's part of the config, as JSON
        table3: table3.differences.csv
        table2: table2.differences.csv
        out: the pdf; png and csv go beside it
    """
    chosen = json.loads(settings)
    statistics = Statistics.model_validate(chosen["statistics"])
    plot_differences(table2, table3, statistics, About.of(chosen), out)
