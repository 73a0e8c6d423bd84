"""The forest plot of paired differences, drawn."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from asft.config import Statistics
from asft.figures.marks import About, mark_of
from asft.figures.plotting import (
    PAGE,
    add_caption,
    add_legend,
    caption_of,
    new_figure,
    note_figure,
    title_panel,
)
from asft.tables import Column, estimate_columns, headlines


class Shape(NamedTuple):
    """The mark of a difference: black and grey, since colours are the methods'."""

    label: str
    marker: str
    colour: str
    face: str


# What the tables' column `verdict` begins with. The first of the pair.
VERDICTS = {
    "better": Shape("first better", ">", "#000000", "#000000"),
    "worse": Shape("first worse", "<", "#000000", "#000000"),
    "not separable": Shape("not separable", "o", "#888888", "#FFFFFF"),
}
PLAIN = Shape("difference", "o", "#000000", "#000000")


def drawn_columns() -> dict[str, Column]:
    """Return the columns whose differences are drawn, by metric."""
    columns: dict[str, Column] = {**headlines(), **estimate_columns()}
    return {metric: column for metric, column in columns.items() if column.figure}


def draw_differences(numbers: pd.DataFrame, statistics: Statistics, about: About) -> Figure:
    """Draw the forest plot: a row of panels per group, a panel per metric, a line per pair."""
    if numbers.empty:
        return note_figure("Differences between methods: there is no pair to compare.")
    groups = list(numbers.groupby(["table", "group"], sort=False))
    pairs = [list(dict.fromkeys(_pairs(rows, about))) for _, rows in groups]
    heights = [1.0 + 0.17 * len(names) for names in pairs]
    figure = new_figure(PAGE, 0.35 + sum(heights))
    parts = figure.subfigures(len(groups), 1, height_ratios=heights, squeeze=False)[:, 0]
    place, many = 0, numbers.groupby(["table", "group"])["panel"].nunique().sum() > 1
    for part, ((number, group), rows), names in zip(parts, groups, pairs, strict=True):
        panels = list(rows.groupby("panel", sort=False))
        row = part.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axes, (title, lines) in zip(row, panels, strict=True):
            _forest(axes, lines.assign(pair=_pairs(lines, about)), names)
            title_panel(axes, str(title), len(panels), place if many else None)
            metric = str(lines["metric"].iloc[0])
            axes.set_xlabel(drawn_columns()[metric].unit)
            place += 1
        part.suptitle(
            f"Table {number}, {group}", x=0.01, ha="left", fontsize="medium", weight="bold"
        )
    add_legend(figure, _handles(numbers))
    text = (
        "Paired differences between methods over the same questions: first minus second, with the"
        f" tables' {100 * statistics.confidence:g} % intervals. Separable: the interval is on one"
        " side of 0. Each stands alone, not corrected for their number. Scales differ from panel to"
        " panel."
    )
    add_caption(figure, caption_of(text, about))
    return figure


def _pairs(rows: pd.DataFrame, about: About) -> list[str]:
    return [
        f"{mark_of(a, about).label} − {mark_of(b, about).label}"
        for a, b in zip(rows["method_a"], rows["method_b"], strict=True)
    ]


def _shapes(rows: pd.DataFrame) -> list[Shape]:
    """How each row is drawn: by the table's verdict, plain if the tables give none."""
    if "verdict" not in rows:
        return [PLAIN] * len(rows)
    given = rows["verdict"].fillna("").astype(str)
    return [
        next((shape for key, shape in VERDICTS.items() if text.startswith(key)), PLAIN)
        for text in given
    ]


def _handles(numbers: pd.DataFrame) -> list[Line2D]:
    used = set(_shapes(numbers))
    return [
        Line2D(
            [],
            [],
            color=shape.colour,
            marker=shape.marker,
            markerfacecolor=shape.face,
            label=shape.label,
        )
        for shape in (*VERDICTS.values(), PLAIN)
        if shape in used
    ]


def _forest(axes: Axes, lines: pd.DataFrame, names: list[str]) -> None:
    axes.axvline(0, color="#444444", linewidth=0.8)
    for shape, (_, row) in zip(_shapes(lines), lines.iterrows(), strict=True):
        y = names.index(row["pair"])
        if np.isfinite([row["low"], row["high"]]).all():
            axes.hlines(y, row["low"], row["high"], color=shape.colour, linewidth=1.1)
        axes.plot(
            row["difference"], y, shape.marker, color=shape.colour, markerfacecolor=shape.face
        )
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=4)
    axes.margins(x=0.08)
    axes.grid(False, axis="y")
