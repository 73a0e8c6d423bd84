"""The rank of each method against the size of the base model, from the joined tables' differences.

A rank's interval holds every place that the paired differences leave open: a method is below those
that are better by the table's verdict and above those that are worse (marginal confidence sets of
Mogstad, Romano, Shaikh and Wilhelm, 2024, at the level of the verdicts).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter, NullLocator

from asft.errors import UserError
from asft.figures.differences import read_differences
from asft.figures.forest import drawn_columns
from asft.figures.marks import About, mark_of
from asft.figures.plotting import (
    PAGE,
    add_caption,
    add_method_legend,
    caption_of,
    new_figure,
    note_figure,
    render,
    title_panel,
)

APART = 1.06  # between two methods' marks of one model, as a factor of its size
CELL = ["table", "group", "panel", "metric", "model"]


def ranks(differences: pd.DataFrame, sizes: dict[str, float]) -> pd.DataFrame:
    """Rank the methods of each panel and model, 1 the best; ties share their mean.

    Args:
        differences: as `read_differences` gives them, with a column `model`.
        sizes: billions of parameters, by model.
    """
    groups: Any = differences.groupby(CELL, sort=False)
    rows = [
        dict(zip(CELL, key, strict=True))
        | {"billion_parameters": sizes[key[-1]], "method": method}
        | _rank(method, cells, len(_methods(cells)))
        for key, cells in groups
        for method in _methods(cells)
    ]
    return pd.DataFrame(rows)


def _methods(cells: pd.DataFrame) -> list[str]:
    pairs = zip(cells["method_a"], cells["method_b"], strict=True)
    return list(dict.fromkeys(name for pair in pairs for name in pair))


def _rank(method: str, cells: pd.DataFrame, count: int) -> dict[str, float]:
    """A method's place among `count`, and its interval."""
    rank, low, high = 1.0, 1, count
    for ahead, verdict in _against(method, cells):
        rank += 1 if ahead < 0 else 0.5 if ahead == 0 else 0
        low += verdict == "worse"
        high -= verdict == "better"
    return {"rank": rank, "low": low, "high": high}


def _against(method: str, cells: pd.DataFrame) -> Iterator[tuple[float, str]]:
    """Every comparison of a method: how far it is ahead, and the verdict on it."""
    turned = {"better": "worse", "worse": "better"}
    rows: Any = cells.itertuples()
    for row in rows:
        ahead = row.difference * (-1 if drawn_columns()[row.metric].better == "lower" else 1)
        if row.method_a == method:
            yield ahead, row.verdict
        elif row.method_b == method:
            yield -ahead, turned.get(row.verdict, row.verdict)


def plot_ranks(
    table2: Path | None,
    table3: Path,
    sizes: dict[str, float],
    level: float,
    about: About,
    out: Path,
) -> None:
    """Write the figure of ranks; `level` is the confidence of the tables' verdicts.

    Raises:
        UserError: a file is missing or not the differences of a joined table.
    """
    differences = read_differences(table2, table3)
    for column in ("model", "verdict"):
        if column not in differences:
            raise UserError(
                f"{table3}: no column {column!r}; are these a joined table's differences?"
            )
    numbers = ranks(differences, sizes)
    render(partial(_draw, numbers, level, about), numbers, out)


def _draw(numbers: pd.DataFrame, level: float, about: About) -> Figure:
    if numbers.empty:
        return note_figure("Ranks of methods: there is no pair to compare.")
    groups = list(numbers.groupby(["table", "group"], sort=False))
    figure = new_figure(PAGE, 0.4 + 2.2 * len(groups))
    parts = figure.subfigures(len(groups), 1, squeeze=False)[:, 0]
    place = 0
    for part, ((number, group), rows) in zip(parts, groups, strict=True):
        panels = list(rows.groupby("panel", sort=False))
        row = part.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axes, (title, lines) in zip(row, panels, strict=True):
            _panel(axes, lines, about)
            title_panel(axes, str(title), len(panels), place if len(numbers) > len(rows) else None)
            place += 1
        row[0].set_ylabel("rank")
        part.suptitle(
            f"Table {number}, {group}", x=0.01, ha="left", fontsize="medium", weight="bold"
        )
    add_method_legend(figure, list(dict.fromkeys(numbers["method"])), about)
    text = (
        "Rank of each method among the methods of its table, 1 the best, against the base model's"
        " size. Bars: the ranks that the paired differences leave open, those better and worse by"
        f" the tables' verdicts counted out ({100 * level:g} % each, uncorrected)."
    )
    add_caption(figure, caption_of(text, about))
    return figure


def _panel(axes: Axes, lines: pd.DataFrame, about: About) -> None:
    methods = list(dict.fromkeys(lines["method"]))
    for number, method in enumerate(methods):
        own: Any = lines[lines["method"] == method].sort_values("billion_parameters", kind="stable")
        mark = mark_of(method, about)
        x = own["billion_parameters"] * APART ** (number - (len(methods) - 1) / 2)
        axes.plot(
            x, own["rank"], c=mark.colour, marker=mark.marker, mfc="white", ls=mark.dashes, lw=0.9
        )
        axes.vlines(x, own["low"], own["high"], color=mark.colour, linewidth=1.1)
    sizes = sorted(set(lines["billion_parameters"]))
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:g}" for size in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("billion parameters")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(lines["high"].max() + 0.5, 0.5)
    axes.margins(x=0.15)


def make_figure_ranks(settings: str, table3: Path, out: Path, table2: Path | None = None) -> None:
    """Draw the ranks of the methods against the size of the base model.

    Args:
        settings: this step's part of the config, as JSON
        table3: the joined table3.differences.csv
        table2: the joined table2.differences.csv
        out: the pdf; png and csv go beside it
    """
    chosen = json.loads(settings)
    sizes, level = chosen["billion_parameters"], chosen["statistics"]["confidence"]
    plot_ranks(table2, table3, sizes, level, About.of(chosen), out)
