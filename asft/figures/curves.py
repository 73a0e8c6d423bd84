"""Figure 2(a), margins over training, and the curves of everything that was measured."""

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
from asft.figures.plotting import (
    PAGE,
    About,
    Mark,
    add_caption,
    add_method_legend,
    caption_of,
    mark_of,
    new_figure,
    render,
    tint,
    title_panel,
)

MARGINS = {"margin": "per token (mean)", "margin_sum": "per answer (sum)"}
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


def margins(files: Sequence[HistoryFile], dataset: str) -> pd.DataFrame:
    """The numbers of Figure 2(a): both margins on held-out pairs, by method and step."""
    table = over_seeds(files, "heldout")
    kept = [name + end for name in MARGINS for end in ("", "_low", "_high")]
    table = table[["method", "split", "step", "pairs", "seeds", *kept]]
    table.insert(0, "dataset", dataset)
    return table


def draw_margins(numbers: pd.DataFrame, about: About) -> Figure:
    """Figure 2(a) of the numbers that `margins` gives."""
    figure = new_figure(PAGE, 2.5)
    panels = figure.subplots(1, 2)
    for axes, (column, title) in zip(panels, MARGINS.items(), strict=True):
        for method, rows in numbers.groupby("method", sort=False):
            _line(axes, rows, column, str(method), about)
        title_panel(axes, title, 2)
        _step_axis(axes)
    panels[0].set_ylabel("log-prob. of chosen − rejected")
    spans = [f"{np.ptp(axes.dataLim.intervaly):.2g}" for axes in panels]
    add_method_legend(figure, list(dict.fromkeys(numbers["method"])), about)
    text = (
        f"Figure 2(a). Likelihood margin on {_pairs(numbers)} held-out pairs of"
        f" {numbers['dataset'].iloc[0]}, mean over pairs{_seeds(numbers)}. The y axes do not start"
        f" at 0: all that is drawn lies within {spans[0]} per token and {spans[1]} per answer. The"
        " paper does not define its margin: both readings."
    )
    add_caption(figure, caption_of(text, about))
    return figure


def curves(files: Sequence[HistoryFile], dataset: str) -> pd.DataFrame:
    """The numbers of the training curves: training steps, and held-out pairs if there are any."""
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
    """Thin and pale: training batches. Strong, with markers: held-out pairs."""
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
                _line(axes, heldout, column, str(method), about)
        title_panel(axes, title, 3, place)
        _step_axis(axes)
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
        return f"Training on {dataset}. Lines: {batches}{_seeds(train)}."
    blank = train.loc[train["logp_rejected"].isna(), "method"].unique()
    text = (
        f"Training on {dataset}. Thin and pale: {batches}. Strong, with markers:"
        f" {_pairs(heldout)} held-out pairs{_seeds(heldout)}."
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


def _line(axes: Axes, rows: pd.DataFrame, column: str, method: str, about: About) -> None:
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


def _step_axis(axes: Axes) -> None:
    axes.set_xlabel("optimiser step")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))


def _widen(axes: Axes, losses: pd.Series[float]) -> None:
    """A logarithmic axis if the losses are of different magnitudes, with plain numbers at it."""
    low, high = losses.min(), losses.max()
    if low > 0 and high / low > WIDE:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: ""))


def _pairs(numbers: pd.DataFrame) -> str:
    fewest, most = int(numbers["pairs"].min()), int(numbers["pairs"].max())
    return f"{most}" if fewest == most else f"{fewest} to {most}"


def _seeds(numbers: pd.DataFrame) -> str:
    most = int(numbers["seeds"].max())
    return f" and {most} seeds; bands: lowest to highest seed" if most > 1 else ", one seed"


def plot_margins(files: Sequence[HistoryFile], dataset: str, about: About, out: Path) -> None:
    """Figure 2(a): likelihood margins on held-out pairs.

    Raises:
        UserError: a history is unusable or has no held-out rows.
    """
    _require(files, out)
    numbers = margins(files, dataset)
    render(partial(draw_margins, numbers, about), numbers, out)


def plot_curves(files: Sequence[HistoryFile], dataset: str, about: About, out: Path) -> None:
    """Training curves of all methods of a data set.

    Raises:
        UserError: a history is unusable or has no training rows.
    """
    _require(files, out)
    numbers = curves(files, dataset)
    render(partial(draw_curves, numbers, about), numbers, out)


def _require(files: Sequence[HistoryFile], out: Path) -> None:
    seen = set()
    for file in files:
        if (file.method, file.seed) in seen:
            raise UserError(f"{file.path}: {file.method} with seed {file.seed} is given twice")
        seen.add((file.method, file.seed))
    if not files:
        raise UserError(f"{out}: no histories given")


def make_figure2a(settings: str, history: list[HistoryFile], out: Path) -> None:
    """Draw the likelihood margin on held-out pairs over training, Figure 2(a).

    Args:
        settings: this step's part of the config, as JSON
        history: method,seed=history.csv
        out: the pdf; png and csv go beside it
    """
    chosen = json.loads(settings)
    plot_margins(history, chosen["dataset"], About.of(chosen), out)


def make_figure_training(settings: str, history: list[HistoryFile], out: Path) -> None:
    """Draw the training curves of all methods of one data set.

    Args:
        settings: this step's part of the config, as JSON
        history: method,seed=history.csv
        out: the pdf; png and csv go beside it
    """
    chosen = json.loads(settings)
    plot_curves(history, chosen["dataset"], About.of(chosen), out)
