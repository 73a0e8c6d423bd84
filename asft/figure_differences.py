"""Forest plot: every paired difference between two methods, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from asft.errors import UserError
from asft.plotting import (
    PAGE,
    About,
    add_caption,
    add_legend,
    caption_of,
    letter,
    mark_of,
    new_figure,
    note_figure,
)

NEEDED = ("method_a", "method_b", "metric", "difference", "low", "high")
# What the tables' column `verdict` begins with → label, marker, colour. The first of the pair.
VERDICTS = {
    "better": ("first better", ">", "#009E73"),
    "worse": ("first worse", "<", "#D55E00"),
    "not separable": ("not separable", "o", "#7A7A7A"),
}
PLAIN = ("difference", "o", "#000000")
OPEN = "not separable"  # drawn with an open marker
LABELS = {
    "win_rate": "win rate, points",
    "rating": "rating",
    "bleu4": "BLEU-4",
    "rougeL": "ROUGE-L",
    "lf_bleu4": "lf BLEU-4",
    "lf_rougeL": "lf ROUGE-L",
}


def read_differences(table2: Path | None, table3: Path) -> pd.DataFrame:
    """Both tables' differences under each other.

    Columns: table, group (what shares a row of panels), panel, then those of the files. Rows
    without a difference are left out; `verdict` is there if a file has it.

    Raises:
        UserError: a file is missing or has not the columns of a table's differences.
    """
    parts = []
    for number, path in ((2, table2), (3, table3)):
        if path is None:
            continue
        rows = _read(path, ("benchmark", "judge") if number == 2 else ("dataset",))
        labels = rows["metric"].map(lambda name: LABELS.get(name, name)).astype(str)
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


def draw_differences(numbers: pd.DataFrame, about: About) -> Figure:
    """One row of panels per group, a panel per metric, a line per pair of methods."""
    if numbers.empty:
        return note_figure("Differences between methods: there is no pair to compare.")
    groups = list(numbers.groupby(["table", "group"], sort=False))
    pairs = [list(dict.fromkeys(_pairs(rows, about))) for _, rows in groups]
    heights = [0.85 + 0.17 * len(names) for names in pairs]
    figure = new_figure(PAGE, 0.35 + sum(heights))
    parts = figure.subfigures(len(groups), 1, height_ratios=heights, squeeze=False)[:, 0]
    place = 0
    for part, ((number, group), rows), names in zip(parts, groups, pairs, strict=True):
        panels = list(rows.groupby("panel", sort=False))
        row = part.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axes, (title, lines) in zip(row, panels, strict=True):
            _forest(axes, lines.assign(pair=_pairs(lines, about)), names)
            letter(axes, str(title), place, len(panels))
            place += 1
        part.suptitle(
            f"Table {number}, {group}", x=0.01, ha="left", fontsize="medium", weight="bold"
        )
    used = [style for key, style in VERDICTS.items() if key in set(_verdicts(numbers))]
    if "" in set(_verdicts(numbers)):
        used.append(PLAIN)
    handles = [Line2D([], [], c=c, marker=m, label=text) for text, m, c in used]
    for handle in handles:
        handle.set_markerfacecolor("white" if handle.get_label() == OPEN else handle.get_color())
    add_legend(figure, handles)
    text = (
        "Paired differences between methods over the same questions: first minus second, with the"
        " tables' intervals. Each stands alone: nothing is corrected for their number."
    )
    add_caption(figure, caption_of(text, about))
    return figure


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


def _pairs(rows: pd.DataFrame, about: About) -> list[str]:
    return [
        f"{mark_of(a, about).label} − {mark_of(b, about).label}"
        for a, b in zip(rows["method_a"], rows["method_b"], strict=True)
    ]


def _verdicts(rows: pd.DataFrame) -> list[str]:
    """The key of `VERDICTS` that each row's verdict begins with, "" if the tables give none."""
    if "verdict" not in rows:
        return [""] * len(rows)
    given = rows["verdict"].fillna("").astype(str)
    return [next((key for key in VERDICTS if text.startswith(key)), "") for text in given]


def _forest(axes: Axes, lines: pd.DataFrame, names: list[str]) -> None:
    axes.axvline(0, color="#444444", linewidth=0.8)
    for verdict, (_, row) in zip(_verdicts(lines), lines.iterrows(), strict=True):
        label, marker, colour = VERDICTS.get(verdict, PLAIN)
        y = names.index(row["pair"])
        if np.isfinite([row["low"], row["high"]]).all():
            axes.hlines(y, row["low"], row["high"], color=colour, linewidth=1.1)
        face = "white" if label == OPEN else colour
        axes.plot(row["difference"], y, marker, color=colour, markerfacecolor=face)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=4)
    axes.margins(x=0.08)
    axes.grid(False, axis="y")
