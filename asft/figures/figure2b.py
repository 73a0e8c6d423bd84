"""Figure 2(b): run time and peak memory of DPO and ASFT, drawn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from asft.figures.colours import colour_of
from asft.figures.cost import ARMS, FROZEN, TRAINED, costs, read_measurements
from asft.figures.marks import About, tint
from asft.figures.plotting import (
    PAGE,
    add_caption,
    add_legend,
    caption_of,
    new_figure,
    render,
    title_panel,
)

COLOURS = {arm: colour_of(arm.partition("_")[0]) for arm in ARMS}
EXPECTED = {"time": (0, (3, 1)), "memory": (0, (1, 1))}  # dashes
BY_TRL = (
    " TRL: its own DPOTrainer on the same pairs, padded, each prompt twice; its cache is computed"
    " in the process that trains, so that its peak of memory is of both."
)
PAPER = {"time": -13.0, "memory": -16.7}  # per cent, §5.2: ASFT against reference-dependent methods


def draw_costs(numbers: pd.DataFrame, dataset: str, about: About) -> Figure:
    """Draw Figure 2(b) of the numbers that `costs` gives."""
    figure = new_figure(PAGE, 3.0)
    time, memory = figure.subplots(1, 2)
    _bars(time, numbers, "seconds_per_pair", 1.0, "reference_seconds_per_pair")
    _bars(memory, numbers, "peak_memory_bytes", 1e-9, None)
    title_panel(time, _against(numbers, "seconds_per_pair", "time"), 2)
    title_panel(memory, _against(numbers, "peak_memory_bytes", "memory"), 2)
    time.set_ylabel("seconds per pair")
    memory.set_ylabel("peak memory, GB")
    hatched = Patch(
        facecolor="white", edgecolor="#444444", hatch="////", label="computing the cache"
    )
    point = Line2D([], [], color="#000000", marker="o", mfc="white", ls="", label="one repeat")
    lines = [
        Line2D([], [], color="#000000", ls=EXPECTED["time"], label="expected time"),
        Line2D([], [], color="#000000", ls=EXPECTED["memory"], label="memory, at least"),
    ]
    add_legend(figure, [hatched, point, *lines])
    add_caption(figure, caption_of(_text(numbers, dataset), about))
    return figure


def _text(numbers: pd.DataFrame, dataset: str) -> str:
    first, repeats = numbers.iloc[0], numbers["arm"].value_counts()
    threads = "1 thread" if first["threads"] == 1 else f"{first['threads']} threads"
    frozen = FROZEN[first["precision"]]
    training = round(first["expected_seconds_per_pair"] / _forward(numbers)) - 1
    return (
        f"Figure 2(b). Training on {dataset}: {repeats.min()} fresh processes per arm, bars and"
        f" numbers are medians, of {int(first['steps'])} steps each; above: ASFT against the first"
        " arm."
        f" {first['device']}, {threads}, {first['precision']}; memory:"
        f" {first['peak_memory_is']}."
        f" Expected (a model, not a measurement): time {training + 1}F, {training}F + F and"
        f" {training}F for F, a forward pass, scaled to ASFT's median; memory"
        f" at least {TRAINED} bytes per parameter (fp32 weights, gradients, Adam) and {frozen} for"
        " a reference; activations, the same in all arms, come on top and make the difference"
        " smaller. The cache is computed once for all methods, epochs and"
        " seeds; drawn as if for one epoch of one run."
    ) + (BY_TRL if "dpo_trl" in repeats else "")


def _forward(numbers: pd.DataFrame) -> float:
    return float(numbers["expected_reference_seconds_per_pair"].max())


def _against(numbers: pd.DataFrame, column: str, kind: str) -> str:
    arms = numbers.groupby("arm").first()
    found, expected = (
        100 * (arms[name]["asft"] / arms[name]["dpo_online"] - 1)
        for name in (f"median_{column}", f"expected_{column}".replace("peak_", ""))
    )
    title = f"{kind}: ASFT {found:+.1f} %\nexpected {expected:+.0f} %, paper {PAPER[kind]:+.1f} %"
    return title.replace("-", "−")


def _bars(
    axes: Axes, numbers: pd.DataFrame, column: str, scale: float, stacked: str | None
) -> None:
    """Bars of medians with their numbers, repeats as points, expectations as lines."""
    expected = column.replace("peak_", "")
    dashes, tops = EXPECTED["time" if stacked else "memory"], []
    for place, (arm, rows) in enumerate(numbers.groupby("arm", sort=False)):
        colour, first = COLOURS[str(arm)], rows.iloc[0]
        height = scale * first[f"median_{column}"]
        above = scale * first[f"median_{stacked}"] if stacked else 0.0
        axes.bar(place, height, 0.72, color=tint(colour, 0.5))
        if above:
            axes.bar(
                place,
                above,
                0.72,
                bottom=height,
                facecolor="white",
                edgecolor=colour,
                hatch="////",
                linewidth=0.8,
            )
        total = rows[column] + (rows[stacked] if stacked else 0)
        spread = [0.09 * (n - (len(rows) - 1) / 2) for n in range(len(rows))]
        axes.plot([place + x for x in spread], scale * total, "o", c="black", mfc="white", ms=4)
        levels = {first[f"expected_{expected}"]}
        if stacked:
            levels.add(first[f"expected_{expected}"] + first[f"expected_{stacked}"])
        levels = {level for level in levels if level == level}  # NaN: nothing is expected
        for level in sorted(levels):
            axes.plot([place - 0.4, place + 0.4], [scale * level] * 2, c="black", ls=dashes)
        # At the foot of its bar: at the top are points and lines.
        number = _digits(height, 3) + (f"\n+ {_digits(above, 2)}" if above else "")
        axes.annotate(number, (place, 0), (0, 4), textcoords="offset points", ha="center")
        tops.append(max(height + above, scale * total.max(), *(scale * each for each in levels)))
    axes.set_ylim(0, 1.08 * max(tops))
    axes.set_xlim(-0.6, len(tops) - 0.4)
    axes.set_xticks(range(len(tops)), [ARMS[str(arm)] for arm in numbers["arm"].unique()])
    axes.grid(False, axis="x")


def _digits(value: float, count: int) -> str:
    """That many significant digits, a last zero too: 0.470 beside 0.589."""
    return f"{value:#.{count}g}".removesuffix(".")


def plot_cost(
    paths: Sequence[Path], dataset: str, checkpointing: bool, about: About, out: Path
) -> None:
    """Write Figure 2(b): run time and peak memory.

    Raises:
        UserError: a measurement is unusable, an arm is missing, machines differ.
    """
    numbers = costs(read_measurements(paths), checkpointing)
    render(partial(draw_costs, numbers, dataset, about), numbers, out)


def make_figure2b(settings: str, cost: list[Path], out: Path) -> None:
    """Draw run time and peak memory of DPO and ASFT, Figure 2(b).

    Args:
        settings: this step's part of the config, as JSON
        cost: one measurement of one arm, as JSON
        out: the pdf; png and csv go beside it
    """
    chosen = json.loads(settings)
    plot_cost(cost, chosen["dataset"], chosen["gradient_checkpointing"], About.of(chosen), out)
