"""Figures of training: margins (Figure 2(a)), curves, cost (Figure 2(b)). No torch.

Reads   runs/…/history.csv           asft.history: one per method and seed
        cost/{dataset}/…/repeat*.json  asft.figure_cost.Measurement
Writes  {figure}.pdf, .png, .csv

By hand: asft plot figure2a --help, asft plot training --help, asft plot figure2b --help
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from asft import figure_cost, figure_curves
from asft.errors import UserError
from asft.histories import HistoryFile
from asft.plotting import About, render


def plot_margins(files: Sequence[HistoryFile], dataset: str, about: About, out: Path) -> None:
    """Figure 2(a): likelihood margins on held-out pairs.

    Raises:
        UserError: a history is unusable or has no held-out rows.
    """
    _require(files, out)
    numbers = figure_curves.margins(files, dataset)
    render(partial(figure_curves.draw_margins, numbers, about), numbers, out)


def plot_curves(files: Sequence[HistoryFile], dataset: str, about: About, out: Path) -> None:
    """Training curves of all methods of a data set.

    Raises:
        UserError: a history is unusable or has no training rows.
    """
    _require(files, out)
    numbers = figure_curves.curves(files, dataset)
    render(partial(figure_curves.draw_curves, numbers, about), numbers, out)


def plot_cost(
    paths: Sequence[Path], dataset: str, checkpointing: bool, about: About, out: Path
) -> None:
    """Figure 2(b): run time and peak memory.

    Raises:
        UserError: a measurement is unusable, an arm is missing, machines differ.
    """
    numbers = figure_cost.costs(figure_cost.read_measurements(paths), checkpointing)
    render(partial(figure_cost.draw_costs, numbers, dataset, about), numbers, out)


def _require(files: Sequence[HistoryFile], out: Path) -> None:
    seen = set()
    for file in files:
        if (file.method, file.seed) in seen:
            raise UserError(f"{file.path}: {file.method} with seed {file.seed} is given twice")
        seen.add((file.method, file.seed))
    if not files:
        raise UserError(f"{out}: no histories given")
