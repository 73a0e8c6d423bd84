"""A search, drawn: the score of every trial against what was tried.

Reads search.csv, as asft.tables.search_table writes it.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from asft.config import asked_of_trials
from asft.errors import UserError
from asft.figures.marks import About, mark_of
from asft.figures.plotting import (
    PAGE,
    add_caption,
    add_method_legend,
    caption_of,
    new_figure,
    render,
    title_panel,
)
from asft.tables import TRIAL_NUMBERS

ABOUT_TRIALS = ("dataset", "method", "trial", *TRIAL_NUMBERS, "benchmark", "metric", "n", "seeds")


def make_figure_search(settings: str, search: Path, out: Path) -> None:
    """Draw the trials of a search.

    Args:
        settings: this step's part of the config, as JSON
        search: search.csv
        out: the pdf; png and csv go beside it

    Raises:
        UserError: the file is missing, or no table of a search.
    """
    chosen = json.loads(settings)
    try:
        numbers = pd.read_csv(search)
    except FileNotFoundError as error:
        raise UserError(f"{search}: no such file") from error
    if lacking := [name for name in ABOUT_TRIALS if name not in numbers]:
        raise UserError(f"{search}: no column {lacking[0]!r}; is this the table of a search?")
    numbers["benchmark"] = numbers["benchmark"].fillna("")  # none: held-out pairs
    render(partial(_draw, numbers, About.of(chosen)), numbers, out)


def _draw(numbers: pd.DataFrame, about: About) -> Figure:
    """A row of panels per data set, a panel per parameter."""
    parameters = [str(name) for name in numbers if name not in ABOUT_TRIALS]
    datasets = list(dict.fromkeys(numbers["dataset"]))
    figure = new_figure(PAGE, 0.6 + 2.3 * len(datasets))
    grid = figure.subplots(len(datasets), len(parameters), sharey="row", squeeze=False)
    for row, dataset in zip(grid, datasets, strict=True):
        of_dataset = numbers[numbers["dataset"] == dataset]
        for number, (axes, parameter) in enumerate(zip(row, parameters, strict=True)):
            _panel(axes, of_dataset.dropna(subset=[parameter]), parameter, about)
            title_panel(axes, f"{dataset}, {parameter}", len(parameters), number)
        row[0].set_ylabel(str(numbers["metric"].iloc[0]))
    add_method_legend(figure, list(dict.fromkeys(numbers["method"])), about)
    first = numbers.iloc[0]
    trials = numbers.groupby(["dataset", "method"]).size().max()
    text = (
        f"Trials of each method ({trials}, training seeds {first['seeds']}): {first['metric']} on"
        f" the {first['n']} {asked_of_trials(first['benchmark'])}, against each parameter that was"
        " searched; the others differ too. Bars: the tables' intervals. Filled: chosen. Ringed: the"
        " method's own row, the published centre."
    )
    if (numbers["share"] < 1).any():
        text += " Small: stopped after a share of the steps, scored then."
    add_caption(figure, caption_of(text, about))
    return figure


def _panel(axes: Axes, trials: pd.DataFrame, parameter: str, about: About) -> None:
    for method in dict.fromkeys(trials["method"]):
        mark = mark_of(method, about)
        own: Any = trials[trials["method"] == method].sort_values(parameter, kind="stable")
        whole = own[own["share"] == 1]
        line: Any = {"color": mark.colour, "alpha": 0.6}
        axes.plot(whole[parameter], whole["score"], ls=mark.dashes, lw=0.8, **line)
        axes.vlines(own[parameter], own["low"], own["high"], lw=0.7, **line)
        for trial in own.itertuples():
            face = mark.colour if trial.chosen else "white"
            at = getattr(trial, parameter)
            size = 4.5 if trial.share == 1 else 2.5
            axes.plot(at, trial.score, mark.marker, mec=mark.colour, mfc=face, ms=size)
            if trial.own:
                axes.plot(at, trial.score, "o", mec=mark.colour, mfc="none", ms=10, mew=0.8)
    if (trials[parameter] > 0).all():
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(parameter)
