"""The look of every figure, and its saving, by which the same numbers give the same bytes.

Sizes are inches of paper: a figure is meant to be printed as large as it is, its text in 8 points.
A figure is three files: the pdf (fonts embedded as TrueType), a png, and the numbers in it as csv.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from asft.figures.marks import About, mark_of
from asft.figures.typesetting import BASE, FONT, LINE, SIZE, wrap
from asft.files import atomic, write_text

PAGE = 7.0  # the width of a printed page without its margins
STYLE: Any = {
    "font.family": FONT,
    "font.size": SIZE,
    "axes.titlesize": SIZE,
    "axes.labelsize": SIZE,
    "xtick.labelsize": SIZE,
    "ytick.labelsize": SIZE,
    "legend.fontsize": SIZE,
    "legend.frameon": False,
    "text.parse_math": False,  # a "$" in a model's answer or a name is a dollar
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.linewidth": 0.6,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.4,
    "lines.markersize": 4.5,
    "pdf.fonttype": 42,
    "savefig.dpi": 200,
}
# Without the default entries, which hold the time and the version.
METADATA: dict[str, dict[str, Any]] = {
    "pdf": {"CreationDate": None, "Producer": None, "Creator": "asft"},
    "png": {"Software": None},
}


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure whose parts make room for one another; sizes in inches."""
    return Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(h_pad=0.05, w_pad=0.05))


def add_method_legend(
    figure: Figure, methods: Sequence[str], about: About, lines: bool = True
) -> None:
    """Add one legend above the panels, outside of them, so that it hides nothing."""
    handles = []
    for mark in (mark_of(method, about) for method in methods):
        dashes = mark.dashes if lines else ""
        handles.append(
            Line2D(
                [], [], c=mark.colour, marker=mark.marker, mfc="white", ls=dashes, label=mark.label
            )
        )
    add_legend(figure, handles)


def add_legend(figure: Figure, handles: Sequence[Any]) -> None:
    """Add a legend of these handles above the panels, as many in a row as fit."""
    longest = max(len(handle.get_label()) for handle in handles)
    columns = max(1, int(figure.get_figwidth() / (0.5 + 0.07 * longest)))
    rows = -(-len(handles) // columns)
    figure.legend(
        handles=list(handles),
        loc="outside upper center",
        ncols=-(-len(handles) // rows),
        handlelength=2.6,
        columnspacing=1.4,
    )


def add_caption(figure: Figure, text: str) -> None:
    """Write `text` below everything else, wrapped to the figure's width; the figure grows.

    It grows by the height of the text.

    Other parts keep their places as long as they are laid out after it, as panels are.
    """
    width, height = figure.get_size_inches()
    lines = wrap(" ".join(text.split()), width - 0.2)
    room = len(lines) * LINE + 0.12
    figure.set_size_inches(width, height + room)
    share = room / (height + room)
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)  # of new_figure
    engine.set(rect=(0, share, 1, 1 - share))
    for number, line in enumerate(lines):
        y = room - 0.06 - (number + BASE) * LINE
        figure.text(0.1 / width, y / (height + room), line, va="baseline", color="#333333")


def caption_of(text: str, about: About) -> str:
    """Return the caption's own text, then what the experiment is."""
    return " ".join(part for part in (text, f"Model: {about.model}.", about.note) if part)


def note_figure(text: str) -> Figure:
    """Return a figure that shows a sentence in place of an empty picture."""
    figure = new_figure(PAGE, 0.1)
    add_caption(figure, text)
    figure.set_layout_engine("none")  # there is nothing to lay out
    return figure


def title_panel(axes: Axes, title: str, columns: int, number: int | None = None) -> None:
    """Set a panel's title, in lines that fit where `columns` panels share a row.

    `number` gives it a letter; a figure of one panel, or that is a panel itself, has none.
    """
    if number is not None:
        title = f"({ascii_lowercase[number % 26] * (1 + number // 26)}) {title}"
    axes.set_title("\n".join(wrap(title, (PAGE - 0.9) / columns)), loc="left")


@contextmanager
def style() -> Iterator[None]:
    """Set the house style over Matplotlib's defaults within a `with`, whatever the user's own."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def render(draw: Callable[[], Figure], numbers: pd.DataFrame, out: Path) -> None:
    """Draw, then write `out` (the pdf), its png and its csv; the pdf last.

    Lines end in "\\n" and numbers have six digits on every machine.
    """
    csv = numbers.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    write_text(out.with_suffix(".csv"), csv)
    with style():
        figure = draw()
        _settle(figure)
        for kind in ("png", "pdf"):
            with atomic(out.with_suffix(f".{kind}")) as temporary:
                figure.savefig(temporary, format=kind, metadata=METADATA[kind])


def _settle(figure: Figure) -> None:
    """Lay the figure out once and round the panels' places.

    The solver of the layout orders its terms by memory address: its last bits, and with them
    single pixels, change from run to run.
    """
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        axes.set_position(np.round(axes.get_position(original=True).bounds, 6))
