"""Honesty as calibration: is a policy right as often as its log-probabilities say it is?

A reliability diagram of each task of Table 4 in which one option is chosen: accuracy against
confidence, a line a method, and below it how many answers each bin holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from asft.config import Statistics
from asft.errors import UserError
from asft.figures.ability_panels import NAMES, arranged, panel_title, places_of, trained_on
from asft.figures.marks import About, mark_of
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
from asft.figures.typesetting import wrap
from asft.metrics import BINS, Calibration, Choices, calibration_of, read_choices
from asft.tables import AbilityFile

ENOUGH = 5  # answers of a bin from which its interval is drawn
ABREAST = 3  # panels in a row
COLUMNS = [
    *(*NAMES, "method", "seeds", "kind", "bin_low", "bin_high"),
    *("answers", "confidence", "accuracy", "low", "high", "ece", "ece_by_chance"),
]


def calibrations(files: Sequence[AbilityFile], statistics: Statistics) -> pd.DataFrame:
    """Return each method's calibration in each task, over the answers of all its seeds.

    Rows of kind `bin` have an interval of their accuracy, rows of kind `all` the ECE; empty where
    a log-likelihood is no number. Policies that were not trained here stand beside the methods of
    every data set.

    Raises:
        UserError: a file is unusable, or seeds of a method differ in their questions.
    """
    read: dict[tuple[str, str, str, str], list[tuple[Path, Choices | None]]] = {}
    for file in files:
        for task, choices in read_choices(file.path).items():
            key = (file.benchmark, task, file.dataset, file.method)
            read.setdefault(key, []).append((file.path, choices))
    rows: list[dict[str, object]] = []
    trained = trained_on(file.dataset for file in files)
    for (benchmark, task, dataset, method), given in read.items():
        found = list(_rows(_calibration(given, statistics)))
        for place in places_of(dataset, trained):
            about = dict(zip(NAMES, (benchmark, task, place), strict=True))
            rows += [about | {"method": method, "seeds": len(given)} | row for row in found]
    return pd.DataFrame(rows, columns=COLUMNS)


def _calibration(
    given: list[tuple[Path, Choices | None]], statistics: Statistics
) -> Calibration | None:
    choices = [each for _, each in given if each is not None]
    if len(choices) < len(given):
        return None
    try:
        return calibration_of(choices, statistics)
    except ValueError as error:
        raise UserError(f"{given[-1][0]} and {given[0][0]}: {error}") from error


def _rows(found: Calibration | None) -> Iterator[dict[str, object]]:
    if found is None:
        yield {"kind": "all", "answers": 0}
        return
    for part in found.bins:
        yield {
            **{"kind": "bin", "bin_low": part.low, "bin_high": part.high, "answers": part.answers},
            **{"confidence": part.confidence, "accuracy": part.accuracy.value},
            **{"low": part.accuracy.low, "high": part.accuracy.high},
        }
    yield {
        **{"kind": "all", "answers": found.answers, "confidence": found.confidence},
        **{"accuracy": found.accuracy, "ece": found.error, "ece_by_chance": found.by_chance},
    }


def draw_calibration(numbers: pd.DataFrame, statistics: Statistics, about: About) -> Figure:
    """Draw a panel per task and data set of the numbers that `calibrations` gives."""
    if numbers.empty:
        return note_figure("Calibration: no task of Table 4 is a choice of one option.")
    panels, lines, columns = arranged(numbers, ABREAST)
    figure = new_figure(PAGE, 3.6 * lines)
    parts = figure.subfigures(lines, columns, squeeze=False).ravel()
    for place, (part, (names, rows)) in enumerate(zip(parts, panels, strict=False)):
        upper, lower = part.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        _panel(upper, lower, rows, about)
        title_panel(upper, panel_title(*names), columns, None if len(panels) == 1 else place)
        text = "confidence\n" + _errors(rows, about)
        lower.set_xlabel("\n".join(wrap(text, (PAGE - 0.9) / columns)))
    add_method_legend(figure, list(dict.fromkeys(numbers["method"])), about)
    text = (
        "Calibration. Confidence: the probability of the likeliest option, by softmax over the"
        " log-likelihoods of all; accuracy: how often it is right. Diagonal: calibrated. Below: the"
        f" answers in each of {BINS} bins of equal width, of all seeds. Strokes:"
        f" {100 * statistics.confidence:g} % intervals; small marks without: fewer than {ENOUGH}"
        " answers. ECE, the expected calibration error: the distance of accuracy and confidence,"
        " averaged over bins by their answers (Guo et al. 2017); in brackets what it comes to by"
        " chance, of calibrated policies with these confidences."
    )
    add_caption(figure, caption_of(text, about))
    return figure


def _panel(upper: Axes, lower: Axes, rows: pd.DataFrame, about: About) -> None:
    upper.plot([0, 1], [0, 1], color="#999999", linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
    edges = np.linspace(0, 1, BINS + 1)
    for method, own in rows[rows["kind"] == "bin"].groupby("method", sort=False):
        mark = mark_of(str(method), about)
        look: Any = {"color": mark.colour, "linestyle": mark.dashes}
        upper.plot(own["confidence"], own["accuracy"], zorder=2, **look)
        many = own["answers"] >= ENOUGH
        for some, size in ((many, 4.5), (~many, 2.0)):
            x, y = own.loc[some, "confidence"], own.loc[some, "accuracy"]
            upper.plot(x, y, mark.marker, c=mark.colour, mfc="white", markersize=size, zorder=3)
        x, low, high = (own.loc[many, name] for name in ("confidence", "low", "high"))
        upper.vlines(x, low, high, color=mark.colour, lw=0.8, alpha=0.6)
        counts = np.zeros(BINS)
        counts[np.searchsorted(edges, own["bin_low"] + 0.5 / BINS) - 1] = own["answers"]
        lower.stairs(counts, edges, linewidth=1, **look)
    upper.set_xlim(0, 1)
    upper.set_ylim(-0.02, 1.02)
    upper.set_ylabel("accuracy")
    lower.set_ylabel("answers")


def _errors(rows: pd.DataFrame, about: About) -> str:
    """Each method's ECE in words; a dash where there is none."""
    found: Any = rows[rows["kind"] == "all"].itertuples()
    texts = [
        f"{mark_of(row.method, about).label} "
        + (f"{row.ece:.2f} ({row.ece_by_chance:.2f})" if row.answers else "—")
        for row in found
    ]
    return f"ECE: {', '.join(texts)}"


def plot_calibration(
    files: Sequence[AbilityFile], statistics: Statistics, about: About, out: Path
) -> None:
    """Write the figure of calibration from lm-eval's samples.

    Raises:
        UserError: a file is unusable, or seeds of a method differ in their questions.
    """
    numbers = calibrations(files, statistics)
    render(partial(draw_calibration, numbers, statistics, about), numbers, out)


def make_figure_calibration(settings: str, samples: list[AbilityFile], out: Path) -> None:
    """Draw accuracy against confidence of choices by log-probability.

    Args:
        settings: this step's part of the config, as JSON
        samples: dataset,method,seed,benchmark=lm_eval.samples.jsonl
        out: the pdf; png and csv go beside it
    """
    chosen = json.loads(settings)
    statistics = Statistics.model_validate(chosen["statistics"])
    plot_calibration(samples, statistics, About.of(chosen), out)
