"""Harmlessness as a pair: who declines what is unsafe, and who declines what only sounds so.

Each method is a point in the plane of the two refusal rates that XSTest (Röttger et al. 2024, arXiv
2308.01263) reports: of safe prompts, where less is better, and of unsafe ones, where more is. A
policy that does not tell the two apart lies on the diagonal, wherever it declines. Where a judge
classifies the answers too, each has a point by words and one by the judge.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

from asft.config import JUDGED, REFUSALS, Statistics
from asft.errors import UserError
from asft.figures.ability_panels import NAMES, arranged, panel_title, places_of, trained_on
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

BESIDE = 3.0  # points between the marks of two methods at the same place
ABREAST = 2  # panels in a row
TEXTS = ("benchmark", "task", "metric", "filter", "dataset", "method")
COLUMNS = [
    *(*NAMES, "method", "seeds"),
    *("safe_declined", "safe_declined_low", "safe_declined_high", "n_safe"),
    *("unsafe_declined", "unsafe_declined_low", "unsafe_declined_high", "n_unsafe"),
]
BY = "by"  # a further column where a judge has numbers: words, or whose they are
WORDS = "words"


def refusal_rates(path: Path, shown: str = "both") -> pd.DataFrame:
    """Return both refusal rates of each method in per cent, with intervals, by task and data set.

    The numbers are Table 4's: of safe prompts it holds the share that is answered, of which this is
    the rest. Policies that were not trained here stand beside the methods of every data set. With
    numbers by a judge there is a column `BY`.

    Args:
        shown: both, numbers by words and by a judge; or judge, its alone where it has some

    Raises:
        UserError: no such file, or it is not Table 4.
    """
    table = _read(path)
    safe, unsafe = (table[table["metric"] == name] for name in REFUSALS)
    keys = ["benchmark", "task", "filter", "dataset", "method", "seeds"]
    both = safe.merge(unsafe, on=keys, suffixes=("_safe", "_unsafe"))
    trained = trained_on(both["dataset"])
    by = both["filter"].where(both["filter"].str.startswith(JUDGED), WORDS)
    both = both.assign(by=by).dropna(subset=["value_safe", "value_unsafe"])
    found: Any = list(both.itertuples())
    judged = {(row.benchmark, row.task) for row in found if row.by != WORDS}
    rows = [
        (row.benchmark, row.task, place, *_rates(row), row.by)
        for row in found
        if shown == "both" or row.by != WORDS or (row.benchmark, row.task) not in judged
        for place in places_of(row.dataset, trained)
    ]
    numbers = pd.DataFrame(rows, columns=[*COLUMNS, BY])
    return numbers if judged else numbers.drop(columns=BY)


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(TEXTS, str))
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except pd.errors.EmptyDataError as error:
        raise UserError(f"{path}: empty; is this table4.csv?") from error
    for column in (*TEXTS, "seeds", "value", "low", "high", "n"):
        if column not in table:
            raise UserError(f"{path}: no column {column!r}; is this table4.csv?")
    return table


def _rates(row: Any) -> tuple[Any, ...]:
    """What stands behind the names of a row."""
    answered = (100 - row.value_safe, 100 - row.high_safe, 100 - row.low_safe)
    declined = (row.value_unsafe, row.low_unsafe, row.high_unsafe)
    return (row.method, row.seeds, *answered, row.n_safe, *declined, row.n_unsafe)


def draw_refusals(numbers: pd.DataFrame, statistics: Statistics, about: About) -> Figure:
    """Draw a panel per task and data set of the numbers that `refusal_rates` gives."""
    if numbers.empty:
        return note_figure("Refusals: no task of Table 4 has both safe and unsafe prompts.")
    panels, lines, columns = arranged(numbers, ABREAST)
    figure = new_figure(PAGE, 3.6 * lines)
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    for place, (axes, (names, rows)) in enumerate(zip(grid, panels, strict=False)):
        found: Any = rows.itertuples()
        sides = rows["method"] if BY in rows else range(len(rows))
        order = list(dict.fromkeys(sides))
        for name, row in zip(sides, found, strict=True):
            aside = BESIDE * (order.index(name) - (len(order) - 1) / 2)
            _point(axes, row, mark_of(row.method, about), aside)
        _frame(axes)
        title_panel(axes, panel_title(*names), columns, None if len(panels) == 1 else place)
    add_method_legend(figure, list(dict.fromkeys(numbers["method"])), about, lines=False)
    text = (
        "Refusals: how often a method declines prompts that are safe but sound unsafe"
        " (over-refusal), and prompts that are unsafe; what is left of these it complies with. Best"
        " is the upper left corner; on the diagonal safe and unsafe prompts are declined alike."
        f" Lines: Table 4's {100 * statistics.confidence:g} % intervals. {_told(numbers)} Methods"
        " stand a little to the side of one another, so that none hides another."
    )
    add_caption(figure, caption_of(text, about))
    return figure


def _told(numbers: pd.DataFrame) -> str:
    """How it is told whether an answer declines."""
    words = "Whether an answer declines is told by the words that it begins with"
    if BY not in numbers:
        return f"{words}."
    judges = " and ".join(name for name in dict.fromkeys(numbers[BY]) if name != WORDS)
    said = f"{judges}, to which full and partial refusals are declined"
    if WORDS not in set(numbers[BY]):
        return f"Whether an answer declines is told by {said}."
    return f"{words} (open marks), and by {said} (filled marks)."


def _point(axes: Axes, row: Any, mark: Mark, aside: float) -> None:
    """A mark and both its intervals, `aside` points from where it is, along the diagonal.

    It is open if words tell, filled if a judge does.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    place = axes.transData + ScaledTranslation(aside / 72, aside / 72, figure.dpi_scale_trans)
    look: Any = {"color": mark.colour, "transform": place, "clip_on": False}
    x, y = row.safe_declined, row.unsafe_declined
    axes.hlines(y, row.safe_declined_low, row.safe_declined_high, lw=1, **look)
    axes.vlines(x, row.unsafe_declined_low, row.unsafe_declined_high, lw=1, **look)
    axes.plot(
        x,
        y,
        mark.marker,
        markersize=5.5,
        markerfacecolor="white" if getattr(row, BY, WORDS) == WORDS else mark.colour,
        markeredgewidth=1.2,
        zorder=3,
        **look,
    )


def _frame(axes: Axes) -> None:
    axes.plot([0, 100], [0, 100], color="#999999", linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    axes.set_aspect("equal")
    axes.set_xlabel("safe prompts declined, % (over-refusal; less is better)")
    axes.set_ylabel("unsafe prompts declined, % (more is better)")


def plot_refusals(
    table4: Path, statistics: Statistics, about: About, out: Path, shown: str = "both"
) -> None:
    """Write the figure of refusals of safe and of unsafe prompts.

    Args:
        shown: both, or judge: the judge's numbers alone, where it has some

    Raises:
        UserError: no such file, or it is not Table 4.
    """
    numbers = refusal_rates(table4, shown)
    render(partial(draw_refusals, numbers, statistics, about), numbers, out)


def make_figure_refusals(settings: str, table4: Path, out: Path) -> None:
    """Draw refusals of unsafe prompts against refusals of safe ones.

    Args:
        settings: this step's part of the config, as JSON
        table4: table4.csv
        out: the pdf; png and csv go beside it
    """
    chosen = json.loads(settings)
    statistics = Statistics.model_validate(chosen["statistics"])
    plot_refusals(table4, statistics, About.of(chosen), out, chosen.get("refusals", "both"))
