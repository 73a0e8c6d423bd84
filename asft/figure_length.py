"""Score against length: whether a judge rewards long answers, by method and by question."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from asft import battles, ratings
from asft.battles import Games
from asft.config import Statistics
from asft.errors import UserError
from asft.judged_files import Cell, shown
from asft.plotting import (
    PAGE,
    About,
    add_caption,
    add_method_legend,
    caption_of,
    letter,
    mark_of,
    new_figure,
    note_figure,
)
from asft.ratings import Ratings

COLUMNS = [
    *("benchmark", "judge", "pairwise", "method", "kind", "question_id"),
    *("tokens", "score", "low", "high"),
]


def score_by_length(cells: Sequence[Cell], table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Mean tokens per answer and score, by method and by question.

    Rows of kind `method` hold Table 2's value and interval, rows of kind `question` one question's
    score, over seeds. Cells that Table 2 refused, and answers of unknown length, are left out.
    """
    rows: list[dict[str, object]] = []
    for cell in cells:
        lengths = _tokens(cell)
        if not shown(cell, table, path) or not lengths:
            continue
        column, values = cell.column, table.loc[cell.method]
        about = {
            "benchmark": column.benchmark,
            "judge": column.judge,
            "pairwise": column.pairwise,
            "method": cell.method,
        }
        mean = {
            "kind": "method",
            "tokens": cell.judged.avg_tokens,
            "score": values[column.headline],
            "low": values[f"{column.prefix}_low"],
            "high": values[f"{column.prefix}_high"],
        }
        rows.append(about | mean)
        for key, score in _scores(cell).items():
            single = {"kind": "question", "question_id": key}
            rows.append(about | single | {"tokens": lengths[key], "score": score})
    return pd.DataFrame(rows, columns=COLUMNS)


def draw_length(numbers: pd.DataFrame, statistics: Statistics, about: About) -> Figure:
    """A panel per benchmark and judge of the numbers that `score_by_length` gives."""
    if numbers.empty:
        return note_figure("Score against length: no method has both scores and known lengths.")
    panels = list(numbers.groupby(["benchmark", "judge"], sort=False))
    figure = new_figure(PAGE, 2.7)
    for place, (axes, ((benchmark, judge), rows)) in enumerate(
        zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True)
    ):
        for method, points in rows.groupby("method", sort=False):
            _points(axes, points, str(method), about)
        letter(axes, f"{benchmark}, judge: {judge}", place, len(panels))
        axes.set_xlabel("tokens per answer")
        axes.set_ylabel("win rate, %" if rows["pairwise"].iloc[0] else "rating")
        axes.margins(0.08)
    add_method_legend(figure, list(dict.fromkeys(numbers["method"])), about, lines=False)
    text = (
        "Score against length. Large marks: methods, at the mean length of their answers, lines:"
        f" Table 2's {100 * statistics.confidence:g} % intervals. Small: single questions,"
        " where scores are ratings."
    )
    add_caption(figure, caption_of(text, about))
    return figure


def _points(axes: Axes, rows: pd.DataFrame, method: str, about: About) -> None:
    mark = mark_of(method, about)
    single = rows[(rows["kind"] == "question") & ~rows["pairwise"]]
    axes.plot(
        single["tokens"],
        single["score"],
        mark.marker,
        color=mark.colour,
        markersize=3.2,
        alpha=0.45,
        markeredgewidth=0,
    )
    mean = rows[rows["kind"] == "method"]
    axes.vlines(mean["tokens"], mean["low"], mean["high"], color=mark.colour, zorder=3)
    axes.plot(
        mean["tokens"],
        mean["score"],
        mark.marker,
        color=mark.colour,
        markersize=6.5,
        markeredgecolor="white",
        markeredgewidth=0.6,
        zorder=4,
    )


def _scores(cell: Cell) -> dict[str, float]:
    content = cell.judged.content
    if isinstance(content, Games):
        sums, ids = battles.per_question(content), list(dict.fromkeys(content.question_ids))
        unit = 100.0
    else:
        sums, ids, unit = ratings.per_question(content), content.question_ids, 1.0
    pairs = zip(ids, sums.sum(axis=0), strict=True)  # over seeds
    return {key: unit * total / weight for key, (total, weight) in pairs if weight > 0}


def _tokens(cell: Cell) -> dict[str, float]:
    """Mean tokens per answer by question, over seeds; nothing if a file does not know them."""
    tables = []
    for path in cell.paths:
        rows = pd.read_csv(path, dtype={"question_id": str}, keep_default_na=True)
        if "tokens" not in rows:
            raise UserError(f"{path}: no column 'tokens'; is this a file of score-verdicts?")
        tables.append(rows[["question_id", "tokens"]])
    together = pd.concat(tables)
    if together["tokens"].isna().any():
        return {}
    means = together.groupby("question_id", sort=False)["tokens"].mean()
    content = cell.judged.content
    turns = dict.fromkeys(means.index, 1.0)
    if isinstance(content, Ratings):  # their tokens are those of all turns
        asked = content.asked.sum(axis=1).mean(axis=-1)
        turns = dict(zip(content.question_ids, asked.tolist(), strict=True))
    return {str(key): float(total / turns[key]) for key, total in means.items()}
