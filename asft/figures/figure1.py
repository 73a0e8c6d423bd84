"""Figure 1: where two losses lead, over the probabilities of the chosen and rejected answer.

The paper's two columns, the surface and the field over probabilities, and a third of our own: the
field over log-probabilities, which are what a model's last layer gives and an optimiser moves.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from asft.errors import UserError
from asft.figures.loss_fields import POINTS, fields
from asft.figures.plotting import PAGE, add_caption, new_figure, render

TITLES = {
    "bradley_terry": "(a) Bradley–Terry, −log σ(β log x₁ − β log x₂), β = {beta:g}",
    "asft_align": "(b) ASFT's alignment loss, −log x₁ − log(1 − x₂)",
}


class Scale(NamedTuple):
    """The scale of both axes of a panel: labels, ends and ticks."""

    x1: str
    x2: str
    ends: tuple[float, float]
    ticks: list[float]


AXES = {
    "probability": Scale("x₁, chosen", "x₂, rejected", (0, 1), [0, 0.5, 1]),
    "log_probability": Scale("log x₁, chosen", "log x₂, rejected", (-3.05, 0), [-3, -2, -1, 0]),
}
ROUND = [1, 2, 5, 10]  # ticks go by these, times a power of ten
ARROW = "#B2182B"
CAPTION = (
    "Figure 1. Loss (left), and the direction of steepest descent over probabilities (middle, as"
    " in the paper) and over log-probabilities (right, not in the paper: what an optimiser sees)."
    " Gradients are autograd's, of the losses that train. Arrows are as long as the square root of"
    " the gradient's size, the longest of a panel equally long in all; dark: high loss."
)


def draw_figure1(numbers: pd.DataFrame, beta: float) -> Figure:
    """Draw Figure 1 of the numbers that `asft.figures.loss_fields.fields` gives."""
    figure = new_figure(PAGE, 4.9)
    grid = figure.add_gridspec(2, 3)
    for row, (loss, title) in enumerate(TITLES.items()):
        mine = numbers[numbers["loss"] == loss]
        by_space = {space: mine[mine["space"] == space] for space in AXES}
        surface = figure.add_subplot(grid[row, 0], projection="3d")
        _surface(surface, by_space["probability"])
        for column, (space, points) in enumerate(by_space.items(), 1):
            _field(figure.add_subplot(grid[row, column]), points, AXES[space])
        # Over all three panels, in the line that the other two leave empty.
        heading = surface.set_title(title.format(beta=beta) + "\n", loc="left", weight="bold")
        heading.set_in_layout(False)
    add_caption(figure, CAPTION)
    return figure


def _grid(points: pd.DataFrame, column: str) -> Any:
    return points[column].to_numpy().reshape(POINTS, POINTS)


def _surface(axes: Any, points: pd.DataFrame) -> None:
    x1, x2, value = (_grid(points, name) for name in ("x1", "x2", "value"))
    axes.plot_surface(
        x1, x2, value, cmap="Blues", rstride=2, cstride=2, linewidth=0.2, edgecolor="#FFFFFF"
    )
    axes.view_init(elev=28, azim=-125)
    axes.set_xlabel("x₁, chosen", labelpad=-6)
    axes.set_ylabel("x₂, rejected", labelpad=-6)
    axes.set_xticks([0, 0.5, 1])
    axes.set_yticks([0, 0.5, 1])
    axes.tick_params(pad=-2)
    axes.text2D(0, 0.84, "loss", transform=axes.transAxes)  # a label beside it has no room
    axes.zaxis.set_major_locator(MaxNLocator(4, steps=ROUND))
    axes.set_box_aspect((1, 1, 0.8), zoom=1.1)


def _field(axes: Axes, points: pd.DataFrame, scale: Scale) -> None:
    x1, x2, value = (_grid(points, name) for name in ("x1", "x2", "value"))
    shades = axes.contourf(
        x1,
        x2,
        value,
        levels=MaxNLocator(12, steps=ROUND).tick_values(value.min(), value.max()),
        cmap="Blues",
    )
    bar = axes.figure.colorbar(shades, ax=axes, fraction=0.05, pad=0.03, label="loss")
    bar.set_ticks(MaxNLocator(5, steps=ROUND))
    here = points[points["arrow"]]
    gradient = np.stack([here["gradient_1"], here["gradient_2"]])
    size = np.hypot(*gradient)
    longest = np.ptp(np.unique(here["x1"])[:2])  # from one arrow to the next
    arrows = -gradient / size * np.sqrt(size / size.max()) * longest
    axes.quiver(
        here["x1"],
        here["x2"],
        *arrows,
        angles="xy",
        scale_units="xy",
        scale=1,
        pivot="mid",
        color=ARROW,
        width=0.008,
        headwidth=4,
        headlength=4.5,
        headaxislength=4,
        minlength=0,
    )
    axes.set_title(f"\n|gradient| {size.min():.2g} to {size.max():.2g}", loc="left")
    axes.set(xlabel=scale.x1, ylabel=scale.x2, xlim=scale.ends, ylim=scale.ends)
    axes.set(xticks=scale.ticks, yticks=scale.ticks)
    axes.set_aspect("equal")
    axes.grid(False)


def make_figure1(out: Path, beta: float = 0.1) -> None:
    """Draw loss surfaces and gradient fields, Figure 1.

    Args:
        out: the pdf; png and csv go beside it
        beta: of the Bradley-Terry loss; ASFT's alignment loss has none

    Raises:
        UserError: `beta` is not positive.
    """
    if not beta > 0:
        raise UserError(f"{out}: beta is {beta:g}; the Bradley-Terry loss needs one above 0")
    numbers = fields(beta)
    render(partial(draw_figure1, numbers, beta), numbers, out)
