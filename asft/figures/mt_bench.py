"""MT-Bench by category: each method's mean rating as a dot, with its interval, and every question.

A dot plot, not a radar: means and intervals are read off a common scale, and a category with a
high number does not also get a large area.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from asft.config import Statistics
from asft.figures.judged_cells import Cell, read_cells, read_table2, shown
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
from asft.metrics import Ratings, mean_rating, rating_interval, ratings_per_question
from asft.tables import ScoreFile

ALL = "all questions"
ENOUGH = 5  # questions of a category from which an interval is drawn: fewer do not make one
COLUMNS = ["judge", "category", "method", "kind", "question_id", "rating", "low", "high", "n"]


def by_category(
    cells: Sequence[Cell], table: pd.DataFrame, path: Path, statistics: Statistics
) -> pd.DataFrame:
    """Return ratings by judge, category and method, without cells that Table 2 refused.

    Rows of kind `mean` have an interval, NaN with fewer than `ENOUGH`; rows of kind `question` are
    the means of single questions. The category `ALL` comes last.
    """
    rows: list[dict[str, object]] = []
    for cell in cells:
        content = cell.judged.content
        if not isinstance(content, Ratings) or not shown(cell, table, path):
            continue
        about = {"judge": cell.column.judge, "method": cell.method}
        names = list(dict.fromkeys(content.categories))
        for name in [*names, ALL] if len(names) > 1 else [ALL]:
            part = content if name == ALL else _only(content, name)
            rows += [about | {"category": name} | row for row in _rows(part, name, statistics)]
    return pd.DataFrame(rows, columns=COLUMNS)


def draw_mt_bench(numbers: pd.DataFrame, statistics: Statistics, about: About) -> Figure:
    """Draw a panel per judge of the numbers that `by_category` gives."""
    if numbers.empty:
        return note_figure("MT-Bench by category: Table 2 refused every cell, see table2.csv.")
    judges, categories = _unique(numbers, "judge"), _unique(numbers, "category")
    methods = _unique(numbers, "method")
    row = 0.1 + 0.105 * len(methods)
    figure = new_figure(PAGE, 0.7 + row * len(categories))
    panels = figure.subplots(1, len(judges), sharex=True, sharey=True, squeeze=False)[0]
    for place, (axes, judge) in enumerate(zip(panels, judges, strict=True)):
        mine = numbers[numbers["judge"] == judge]
        for number, method in enumerate(methods):
            offset = 0.8 * ((number + 0.5) / len(methods) - 0.5)
            _method(axes, mine[mine["method"] == method], categories, offset, about)
        alone = len(judges) == 1
        title_panel(axes, f"judge: {judge}", len(judges), None if alone else place)
        axes.set_xlabel("rating (1 to 10)")
        axes.set_yticks(range(len(categories)), categories)
        axes.set_ylim(len(categories) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.grid(False, axis="y")
        for line in range(1, len(categories)):
            last = line == len(categories) - 1
            axes.axhline(line - 0.5, color="#444444" if last else "#BBBBBB", linewidth=0.6)
    add_method_legend(figure, methods, about, lines=False)
    text = (
        "MT-Bench by category. Dots: mean over questions, turns and seeds; light strokes: single"
        f" questions; lines: {100 * statistics.confidence:g} % intervals as in Table 2, drawn from"
        f" {ENOUGH} questions on."
    )
    add_caption(figure, caption_of(text, about))
    return figure


def _only(content: Ratings, category: str) -> Ratings:
    mask = np.array([name == category for name in content.categories])
    ids = [name for name, kept in zip(content.question_ids, mask, strict=True) if kept]
    return Ratings(ids, [category] * len(ids), content.values[mask], content.asked[mask])


def _rows(part: Ratings, name: str, statistics: Statistics) -> list[dict[str, object]]:
    sums = ratings_per_question(part).sum(axis=0)  # over seeds
    rated = sums[:, 1] > 0
    n = int(rated.sum())
    if n == 0:
        return []
    low = high = float("nan")
    if n >= ENOUGH:
        _, low, high, *_ = rating_interval(part, statistics)
    mean = float(mean_rating(sums[rated]))
    rows: list[dict[str, object]] = [{"kind": "mean", "rating": mean, "low": low, "high": high}]
    if name != ALL:
        single = zip(part.question_ids, sums, rated, strict=True)
        rows += [
            {"kind": "question", "question_id": key, "rating": total / count}
            for key, (total, count), known in single
            if known
        ]
    return [row | {"n": n} for row in rows]


def _method(
    axes: Axes, rows: pd.DataFrame, categories: list[str], offset: float, about: About
) -> None:
    if rows.empty:
        return
    mark = mark_of(str(rows["method"].iloc[0]), about)
    y = rows["category"].map(categories.index) + offset
    single, means = rows["kind"] == "question", rows["kind"] == "mean"
    axes.plot(
        rows.loc[single, "rating"], y[single], "|", color=mark.colour, alpha=0.45, markersize=4
    )
    axes.hlines(y[means], rows.loc[means, "low"], rows.loc[means, "high"], color=mark.colour, lw=1)
    axes.plot(rows.loc[means, "rating"], y[means], mark.marker, color=mark.colour, mfc="white")


def _unique(numbers: pd.DataFrame, column: str) -> list[str]:
    names = [str(name) for name in numbers[column].unique()]
    return [name for name in names if name != ALL] + [ALL] * (ALL in names)


def plot_mt_bench(
    files: Sequence[ScoreFile], table2: Path, statistics: Statistics, about: About, out: Path
) -> None:
    """Write the figure of MT-Bench ratings by category and method.

    Raises:
        UserError: a file is unusable, or the table has no such cell.
    """
    cells = read_cells(files, pairwise=False)
    numbers = by_category(cells, read_table2(table2), table2, statistics)
    render(partial(draw_mt_bench, numbers, statistics, about), numbers, out)


def make_figure_mt_bench(settings: str, score: list[ScoreFile], table2: Path, out: Path) -> None:
    """Draw MT-Bench ratings by category.

    Args:
        settings: this step's part of the config, as JSON
        score: method,seed,benchmark,judge=scores.csv
        table2: table2.csv: it knows what was refused
        out: the pdf; png and csv go beside it
    """
    chosen = json.loads(settings)
    statistics = Statistics.model_validate(chosen["statistics"])
    plot_mt_bench(score, table2, statistics, About.of(chosen), out)
