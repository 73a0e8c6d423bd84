"""The figure of training curves: everything that was measured, by method and step."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from asft.errors import UserError
from asft.figures.histories import HistoryFile, over_seeds, steps_per_point
from asft.figures.marks import About, Mark, mark_of, tint
from asft.figures.plotting import (
    PAGE,
    add_caption,
    add_method_legend,
    caption_of,
    new_figure,
    render,
    title_panel,
)

CURVES = {
    "loss": "loss, each method's own",
    "margin": "margin per token",
    "accuracy": "pairs with margin > 0",
    "logp_chosen": "log-prob. per token, chosen",
    "logp_rejected": "log-prob. per token, rejected",
    "grad_norm": "gradient norm before clipping",
}
PALE = 0.5  # share of a method's colour in its training batches
FEW = 12  # markers of a curve, the first and last point among them
WIDE = 8.0  # largest loss over smallest from which a logarithmic axis shows more


def curves(files: Sequence[HistoryFile], dataset: str) -> pd.DataFrame:
    """Return the numbers of the training curves, for training steps and any held-out pairs."""
    parts = [over_seeds(files, "train")]
    parts[0].insert(5, "steps_per_point", steps_per_point(files))
    if any("heldout" in set(pd.read_csv(file.path)["split"]) for file in files):
        parts.append(over_seeds(files, "heldout"))
    table = pd.concat(parts, ignore_index=True)
    kept = [name + end for name in CURVES for end in ("", "_low", "_high")]
    table = table[["method", "split", "step", "pairs", "seeds", "steps_per_point", *kept]]
    table.insert(0, "dataset", dataset)
    return table


def draw_curves(numbers: pd.DataFrame, about: About) -> Figure:
    """Draw the training curves of the numbers that `curves` gives.

    Thin and pale: training batches. Strong, with markers: held-out pairs.
    """
    figure = new_figure(PAGE, 3.9)
    panels = figure.subplots(2, 3).ravel()
    for place, (axes, (column, title)) in enumerate(zip(panels, CURVES.items(), strict=True)):
        for method, rows in numbers.groupby("method", sort=False):
            train, heldout = rows[rows["split"] == "train"], rows[rows["split"] == "heldout"]
            mark = mark_of(str(method), about)
            shown = heldout[column].notna().any()
            axes.plot(
                train["step"],
                train[column],
                color=tint(mark.colour, PALE) if shown else mark.colour,
                linestyle=mark.dashes,
                linewidth=0.8 if shown else 1.2,
                zorder=_layer(mark) - (1 if shown else 0),
            )
            if shown:
                curve_line(axes, heldout, column, str(method), about)
        title_panel(axes, title, 3, place)
        step_axis(axes)
    _widen(panels[0], numbers["loss"])
    add_method_legend(figure, list(dict.fromkeys(numbers["method"])), about)
    add_caption(figure, caption_of(_curves_text(numbers), about))
    return figure


def _curves_text(numbers: pd.DataFrame) -> str:
    dataset, train = numbers["dataset"].iloc[0], numbers[numbers["split"] == "train"]
    together = int(train["steps_per_point"].iloc[0])
    batches = "training batches" + (f", mean of {together} steps" if together > 1 else "")
    heldout = numbers[numbers["split"] == "heldout"]
    if heldout.empty:
        return f"Training on {dataset}. Lines: {batches}{seeds_text(train)}."
    blank = train.loc[train["logp_rejected"].isna(), "method"].unique()
    text = (
        f"Training on {dataset}. Thin and pale: {batches}. Strong, with markers:"
        f" {pairs_text(heldout)} held-out pairs{seeds_text(heldout)}."
    )
    if len(blank):
        names = ", ".join(mark_of(name, About("", "")).label for name in blank)
        text += f" {names} sees no rejected answers in training."
    return text + " Losses of different methods do not compare."


def _layer(mark: Mark) -> float:
    """Height in the picture, 3 to 4: lines often coincide, so the more gaps the higher."""
    if mark.dashes == "-":
        return 3.0
    _, lengths = mark.dashes
    return 3.0 + float(sum(lengths[1::2]) / sum(lengths))


def curve_line(axes: Axes, rows: pd.DataFrame, column: str, method: str, about: About) -> None:
    """Draw one method's `column` over the steps, with a band from lowest to highest seed."""
    mark = mark_of(method, about)
    axes.plot(
        rows["step"],
        rows[column],
        color=mark.colour,
        linestyle=mark.dashes,
        marker=mark.marker,
        markerfacecolor="none",
        linewidth=2.2 if mark.dashes == "-" else 1.4,  # the solid one shows beside those on it
        zorder=_layer(mark),
        markevery=sorted({round(x) for x in np.linspace(0, len(rows) - 1, FEW)}),
    )
    if rows["seeds"].max() > 1:
        low, high = rows[f"{column}_low"], rows[f"{column}_high"]
        axes.fill_between(
            rows["step"], low, high, color=mark.colour, alpha=0.18, linewidth=0, zorder=2
        )


def step_axis(axes: Axes) -> None:
    """Label the horizontal axis as optimiser steps, with ticks at whole numbers."""
    axes.set_xlabel("optimiser step")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))


def _widen(axes: Axes, losses: pd.Series[float]) -> None:
    """A logarithmic axis if the losses are of different magnitudes, with plain numbers at it."""
    low, high = losses.min(), losses.max()
    if low > 0 and high / low > WIDE:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: ""))


def pairs_text(numbers: pd.DataFrame) -> str:
    """Return the number of pairs, as "n", or "n to m" where it varies."""
    fewest, most = int(numbers["pairs"].min()), int(numbers["pairs"].max())
    return f"{most}" if fewest == most else f"{fewest} to {most}"


def seeds_text(numbers: pd.DataFrame) -> str:
    """Return the end of a caption's sentence that tells the number of seeds."""
    most = int(numbers["seeds"].max())
    return f" and {most} seeds; bands: lowest to highest seed" if most > 1 else ", one seed"


def plot_curves(files: Sequence[HistoryFile], dataset: str, about: About, out: Path) -> None:
    """Write the figure of training curves of all methods of a data set.

    Raises:
        UserError: a history is unusable or has no training rows.
    """
    check_histories(files, out)
    numbers = curves(files, dataset)
    render(partial(draw_curves, numbers, about), numbers, out)


def check_histories(files: Sequence[HistoryFile], out: Path) -> None:
    """Refuse no histories at all, or two of the same run: raise UserError."""
    seen = set()
    for file in files:
        if (file.method, file.seed) in seen:
            raise UserError(f"{file.path}: {file.method} with seed {file.seed} is given twice")
        seen.add((file.method, file.seed))
    if not files:
        raise UserError(f"{out}: no histories given")


def make_figure_training(settings: str, history: list[HistoryFile], out: Path) -> None:
    """Draw the training curves of all methods of one data set.

    Args:
        settings: this step's part of the config, as JSON
        history: method,seed=history.csv
        out: the pdf; png and csv go beside it
    """
    chosen = json.loads(settings)
    plot_curves(history, chosen["dataset"], About.of(chosen), out)
