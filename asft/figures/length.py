"""The figure of score against length, by method and question; a judge may reward long answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

from asft.config import Statistics
from asft.errors import UserError
from asft.figures.judged_cells import Cell, read_cells, read_table2, shown
from asft.figures.marks import About, Mark, mark_of
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
from asft.tables import ScoreFile, headlines

COLUMNS = [
    *("benchmark", "judge", "pairwise", "method", "kind", "question_id"),
    *("tokens", "score", "low", "high", "limit"),
]
BESIDE = 4.0  # points between the marks of two methods at the same place


def score_by_length(cells: Sequence[Cell], table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return mean tokens per answer and score, by method and by question.

    Rows of kind `method` hold Table 2's value and interval, rows of kind `question` one question's
    score, over seeds. Cells that Table 2 refused, and answers of unknown length, are left out.
    `limit` is the token limit of an answer, as far as some answer reached it.
    """
    rows: list[dict[str, object]] = []
    for cell in cells:
        lengths, limit = _lengths(cell)
        if not shown(cell, table, path) or not lengths:
            continue
        panel, values = cell.column, table.loc[cell.method]
        about = {
            "benchmark": panel.benchmark,
            "judge": panel.judge,
            "pairwise": panel.pairwise,
            "method": cell.method,
            "limit": limit,
        }
        mean = {
            "kind": "method",
            "tokens": cell.judged.avg_tokens,
            "score": values[panel.names.value],
            "low": values[panel.names.low],
            "high": values[panel.names.high],
        }
        rows.append(about | mean)
        for key, score in cell.judged.question_scores().items():
            single = {"kind": "question", "question_id": key}
            rows.append(about | single | {"tokens": lengths[key], "score": score})
    return pd.DataFrame(rows, columns=COLUMNS)


def draw_length(numbers: pd.DataFrame, statistics: Statistics, about: About) -> Figure:
    """Draw a panel per benchmark and judge of the numbers that `score_by_length` gives."""
    if numbers.empty:
        return note_figure("Score against length: no method has both scores and known lengths.")
    panels = list(numbers.groupby(["benchmark", "judge"], sort=False))
    figure = new_figure(PAGE, 2.7)
    for place, (axes, ((benchmark, judge), rows)) in enumerate(
        zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True)
    ):
        methods = list(rows.groupby("method", sort=False))
        for number, (method, points) in enumerate(methods):
            aside = BESIDE * (number - (len(methods) - 1) / 2)
            _points(axes, points, mark_of(str(method), about), aside)
        alone = len(panels) == 1
        title_panel(axes, f"{benchmark}, judge: {judge}", len(panels), None if alone else place)
        axes.set_xlabel("tokens per answer" + _mark_limit(axes, rows["limit"].max()))
        axes.set_ylabel(headlines()["win_rate" if rows["pairwise"].iloc[0] else "rating"].page)
        axes.margins(0.08)
    add_method_legend(figure, list(dict.fromkeys(numbers["method"])), about, lines=False)
    text = (
        "Score against length. Large marks: methods, at the mean length of their answers, lines:"
        f" Table 2's {100 * statistics.confidence:g} % intervals. Small: single questions,"
        " where scores are ratings. Methods stand a little to the side of one another, so that none"
        " hides another."
    )
    add_caption(figure, caption_of(text, about))
    return figure


def _points(axes: Axes, rows: pd.DataFrame, mark: Mark, aside: float) -> None:
    """Open marks, `aside` points to the right of where their lengths are."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    place = axes.transData + ScaledTranslation(aside / 72, 0, figure.dpi_scale_trans)
    single = rows[(rows["kind"] == "question") & ~rows["pairwise"]]
    mean = rows[rows["kind"] == "method"]
    axes.vlines(mean["tokens"], mean["low"], mean["high"], color=mark.colour, transform=place, lw=1)
    for points, size, edge in ((single, 2.8, 0.6), (mean, 6.5, 1.2)):
        axes.plot(
            points["tokens"],
            points["score"],
            mark.marker,
            color=mark.colour,
            markersize=size,
            markerfacecolor="none",
            markeredgewidth=edge,
            transform=place,
            zorder=3,
        )
    for column in ("score", "low", "high"):  # by their own transform they do not count
        axes.update_datalim(pd.concat([single, mean])[["tokens", column]].dropna())


def _mark_limit(axes: Axes, limit: float) -> str:
    """A line where answers were cut, and what the axis says of it."""
    if not np.isfinite(limit):
        return ""
    axes.axvline(limit, color="#444444", linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
    return f" (dashed: their limit, {limit:g})"


def _lengths(cell: Cell) -> tuple[dict[str, float], float]:
    """Mean tokens per answer by question, over seeds, and the limit that answers were cut at.

    Nothing if a file does not know them. The limit is NaN unless some question had all of its
    turns cut.
    """
    tables = []
    for path in cell.paths:
        rows = pd.read_csv(path, dtype={"question_id": str}, keep_default_na=True)
        if "tokens" not in rows:
            raise UserError(f"{path}: no column 'tokens'; is this a file of score-verdicts?")
        tables.append(rows.reindex(columns=["question_id", "tokens", "truncated"]))
    together = pd.concat(tables)
    if together["tokens"].isna().any():
        return {}, float("nan")
    turns = cell.judged.turns()  # a question's tokens are those of all of them
    asked = together["question_id"].map(turns)
    together["tokens"] /= asked
    limit = together.loc[together["truncated"] == asked, "tokens"].max()
    means = together.groupby("question_id", sort=False)["tokens"].mean()
    return {str(key): float(mean) for key, mean in means.items()}, float(limit)


def plot_length(
    files: Sequence[ScoreFile], table2: Path, statistics: Statistics, about: About, out: Path
) -> None:
    """Write the figure of score against length, by method and question.

    Raises:
        UserError: a file is unusable, or the table has no such cell.
    """
    cells = [*read_cells(files, pairwise=True), *read_cells(files, pairwise=False)]
    numbers = score_by_length(cells, read_table2(table2), table2)
    render(partial(draw_length, numbers, statistics, about), numbers, out)


def make_figure_length(settings: str, score: list[ScoreFile], table2: Path, out: Path) -> None:
    """Draw scores against the length of answers.

    Args:
        settings: this step's part of the config, as JSON
        score: method,seed,benchmark,judge=scores.csv
        table2: table2.csv: it knows what was refused
        out: the pdf; png and csv go beside it
    """
    chosen = json.loads(settings)
    statistics = Statistics.model_validate(chosen["statistics"])
    plot_length(score, table2, statistics, About.of(chosen), out)
