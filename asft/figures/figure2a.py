"""Figure 2(a): likelihood margins on held-out pairs over training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from asft.figures.curves import check_histories, curve_line, pairs_text, seeds_text, step_axis
from asft.figures.histories import HistoryFile, over_seeds
from asft.figures.marks import About
from asft.figures.plotting import (
    PAGE,
    add_caption,
    add_method_legend,
    caption_of,
    new_figure,
    render,
    title_panel,
)

MARGINS = {"margin": "per token (mean)", "margin_sum": "per answer (sum)"}


def margins(files: Sequence[HistoryFile], dataset: str) -> pd.DataFrame:
    """Return the numbers of Figure 2(a): both margins on held-out pairs, by method and step."""
    table = over_seeds(files, "heldout")
    kept = [name + end for name in MARGINS for end in ("", "_low", "_high")]
    table = table[["method", "split", "step", "pairs", "seeds", *kept]]
    table.insert(0, "dataset", dataset)
    return table


def draw_margins(numbers: pd.DataFrame, about: About) -> Figure:
    """Draw Figure 2(a) of the numbers that `margins` gives."""
    figure = new_figure(PAGE, 2.5)
    panels = figure.subplots(1, 2)
    for axes, (column, title) in zip(panels, MARGINS.items(), strict=True):
        for method, rows in numbers.groupby("method", sort=False):
            curve_line(axes, rows, column, str(method), about)
        title_panel(axes, title, 2)
        step_axis(axes)
    panels[0].set_ylabel("log-prob. of chosen − rejected")
    spans = [f"{np.ptp(axes.dataLim.intervaly):.2g}" for axes in panels]
    add_method_legend(figure, list(dict.fromkeys(numbers["method"])), about)
    text = (
        f"Figure 2(a). Likelihood margin on {pairs_text(numbers)} held-out pairs of"
        f" {numbers['dataset'].iloc[0]}, mean over pairs{seeds_text(numbers)}."
        " The y axes do not start at 0: all that is drawn lies within"
        f" {spans[0]} per token and {spans[1]} per answer."
        " The paper does not define its margin: both readings."
    )
    add_caption(figure, caption_of(text, about))
    return figure


def plot_margins(files: Sequence[HistoryFile], dataset: str, about: About, out: Path) -> None:
    """Write Figure 2(a): likelihood margins on held-out pairs.

    Raises:
        UserError: a history is unusable or has no held-out rows.
    """
    check_histories(files, out)
    numbers = margins(files, dataset)
    render(partial(draw_margins, numbers, about), numbers, out)


def make_figure2a(settings: str, history: list[HistoryFile], out: Path) -> None:
    """Draw the likelihood margin on held-out pairs over training, Figure 2(a).

    Args:
        settings: this step's part of the config, as JSON
        history: method,seed=history.csv
        out: the pdf; png and csv go beside it
    """
    chosen = json.loads(settings)
    plot_margins(history, chosen["dataset"], About.of(chosen), out)
