"""Figure 1: where losses lead, over the probabilities of the chosen and rejected answer.

The paper's two losses, or those of any methods. The paper's two columns, the surface and the field
over probabilities, and a third of our own: the field over log-probabilities, which are what a
model's last layer gives and an optimiser moves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from string import ascii_lowercase
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from asft.errors import UserError
from asft.figures.loss_fields import POINTS, REFERENCE, fields, method_loss, paper_losses
from asft.figures.plotting import PAGE, add_caption, new_figure, render
from asft.losses import loss_label

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
REMARK = (
    f" One token an answer; a reference, where there is one, gives both probability {REFERENCE:g}."
)


def draw_figure1(numbers: pd.DataFrame, titles: Mapping[str, str], caption: str) -> Figure:
    """Draw Figure 1 of the numbers that `asft.figures.loss_fields.fields` gives, a row a title."""
    figure = new_figure(PAGE, 2.25 * len(titles) + 0.4)
    grid = figure.add_gridspec(len(titles), 3)
    for row, (loss, title) in enumerate(titles.items()):
        mine = numbers[numbers["loss"] == loss]
        by_space = {space: mine[mine["space"] == space] for space in AXES}
        surface = figure.add_subplot(grid[row, 0], projection="3d")
        _surface(surface, by_space["probability"])
        for column, (space, points) in enumerate(by_space.items(), 1):
            _field(figure.add_subplot(grid[row, column]), points, AXES[space])
        # Over all three panels, in the line that the other two leave empty.
        heading = surface.set_title(title + "\n", loc="left", weight="bold")
        heading.set_in_layout(False)
    add_caption(figure, caption)
    return figure


def paper_titles(beta: float) -> dict[str, str]:
    """Return the headings of the paper's losses, by name."""
    return {name: title.format(beta=beta) for name, title in TITLES.items()}


def method_titles(methods: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return a heading for each method: its loss and hyper-parameters."""
    titles = {}
    for number, (name, row) in enumerate(methods.items()):
        loss = loss_label(row["loss"])
        given = [f"{key} = {value:g}" for key, value in row["hyperparameters"].items()]
        words = [name if name == loss else f"{name}: {loss}", *given]
        titles[name] = f"({ascii_lowercase[number % 26]}) {', '.join(words)}"
    return titles


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
    length = np.sqrt(size / (size.max() or 1)) * longest
    arrows = np.divide(-gradient, size, out=np.zeros_like(gradient), where=size > 0) * length
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


def make_figure1(out: Path, beta: float = 0.1, methods: str = "{}") -> None:
    """Draw loss surfaces and gradient fields, Figure 1.

    Args:
        out: the pdf; png and csv go beside it
        beta: of the Bradley-Terry loss; ASFT's alignment loss has none
        methods: losses to draw in their place, {name: {loss, hyperparameters}} as JSON

    Raises:
        UserError: `beta` is not positive.
    """
    if not beta > 0:
        raise UserError(f"{out}: beta is {beta:g}; the Bradley-Terry loss needs one above 0")
    losses, titles, caption = paper_losses(beta), paper_titles(beta), CAPTION
    if asked := json.loads(methods):
        losses = {name: method_loss(**row) for name, row in asked.items()}
        titles, caption = method_titles(asked), CAPTION + REMARK
    numbers = fields(losses)
    render(partial(draw_figure1, numbers, titles, caption), numbers, out)
