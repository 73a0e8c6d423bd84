"""Figure 3 as a page: the question, and each method's answer with the judge's verdict below it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from asft.figures.case_study import RULE, Contestant, case_study
from asft.figures.marks import About, mark_of
from asft.figures.plotting import PAGE, add_caption, caption_of, new_figure, note_figure, render
from asft.figures.typesetting import BASE, CUT, LINE, shorten, wrap
from asft.files import read_jsonl
from asft.records import Completion, Question, Verdict

LEFT, GAP = 0.14, 0.12  # inches: the margin of the page, and around each rule between rows
NAMES = 1.0  # width of the column of names
TEXT = PAGE - 2 * LEFT - NAMES
QUESTION_LINES = 9
ALL_LINES = 54  # of answers and verdicts together: the figure stays within a page
FEWEST_LINES = 6  # of one method, however many there are


class Row(NamedTuple):
    """One row of the page: the lines of its left and right columns, each with a colour.

    A method's colour is a bar beside them, since its letters would be too pale to read.
    """

    name: list[tuple[str, str]]
    text: list[tuple[str, str]]
    bar: str | None = None

    @property
    def height(self) -> float:
        return max(len(self.name), len(self.text)) * LINE + GAP


def draw_case(numbers: pd.DataFrame, about: About) -> Figure:
    """Draw the page of what `case_study` gives, or a sentence if there is no case."""
    if numbers.empty:
        return note_figure("Figure 3. No question has a rating of every method.")
    rows = [_question(numbers), *(_answer(row, len(numbers), about) for row in _rows(numbers))]
    height = sum(row.height for row in rows) + 0.05
    figure = new_figure(PAGE, height)
    first = numbers.iloc[0]
    model = str(first["judge_model"])
    judge = f"{first['judge']} ({model})" if model not in ("", first["judge"]) else first["judge"]
    text = (
        f"Figure 3. Case study, picked by rule: {RULE}. Here {first['spread']:.2f} points apart;"
        f" judge: {judge}; training seed {first['seed']}."
    )
    if any(line.endswith(CUT) for row in rows for line, _ in row.text):
        text += f" {CUT}: shortened here, whole in the csv."
    add_caption(figure, caption_of(text, about))
    figure.set_layout_engine("none")  # all places are given
    height = top = figure.get_figheight()  # with the caption
    for row in rows:
        _typeset(figure, row, top, height)
        top -= row.height
    _rule(figure, top / height)
    return figure


def _rows(numbers: pd.DataFrame) -> list[pd.Series]:
    return [row for _, row in numbers.iterrows()]


def _question(numbers: pd.DataFrame) -> Row:
    first = numbers.iloc[0]
    lines = shorten(wrap(str(first["question"]), TEXT), QUESTION_LINES, TEXT)
    category = wrap(str(first["category"]), NAMES - 0.1) if first["category"] else []
    names = [("Question", "#000000"), *((line, "#666666") for line in category)]
    return Row(names, [(line, "#000000") for line in lines])


def _answer(row: pd.Series, methods: int, about: About) -> Row:
    mark = mark_of(str(row["method"]), about)
    most = max(FEWEST_LINES, ALL_LINES // methods)
    said = str(row["judgment"]) or f"probabilities {row['probabilities']}"
    verdict = shorten(wrap(f"Judge: {said}", TEXT), max(2, most // 3), TEXT)
    answer = wrap(str(row["answer"]), TEXT) or ["(an empty answer)"]
    answer = shorten(answer, most - len(verdict), TEXT)
    name = [(line, "#000000") for line in wrap(mark.label, NAMES - 0.1)]
    times = f", {row['n_ratings']} times" if row["n_ratings"] > 1 else ""
    rating = wrap(f"rated {row['rating']:.2f}{times}", NAMES - 0.1)
    return Row(
        name + [(line, "#000000") for line in rating],
        [(line, "#000000") for line in answer] + [(line, "#666666") for line in verdict],
        mark.colour,
    )


def _typeset(figure: Figure, row: Row, top: float, height: float) -> None:
    _rule(figure, top / height)
    if row.bar:
        x, ends = LEFT / 2 / PAGE, [top - GAP / 2, top - row.height + GAP / 2]
        bar = Line2D([x, x], [y / height for y in ends], color=row.bar, linewidth=3)
        bar.set_solid_capstyle("butt")
        figure.add_artist(bar)
    for left, lines in ((LEFT, row.name), (LEFT + NAMES, row.text)):
        for number, (line, colour) in enumerate(lines):
            y = (top - GAP / 2 - (number + BASE) * LINE) / height
            bold = "bold" if left == LEFT and number == 0 else "normal"
            figure.text(left / PAGE, y, line, va="baseline", color=colour, weight=bold)


def _rule(figure: Figure, y: float) -> None:
    x = [LEFT / PAGE, 1 - LEFT / PAGE]
    figure.add_artist(Line2D(x, [y, y], color="#BBBBBB", linewidth=0.6))


def plot_case(
    questions: Path,
    runs: Mapping[str, tuple[int, Path, Path]],
    judge: str,
    about: About,
    out: Path,
) -> None:
    """Write Figure 3; `runs` maps a method to (seed, completions, verdicts).

    Raises:
        UserError: a file is unusable.
    """
    contestants = {
        method: Contestant(seed, read_jsonl(answers, Completion), read_jsonl(verdicts, Verdict))
        for method, (seed, answers, verdicts) in runs.items()
    }
    numbers = case_study(read_jsonl(questions, Question), contestants, judge)
    render(partial(draw_case, numbers, about), numbers, out)


class RunFile(NamedTuple):
    """A file of answers or of verdicts, and the run that it is of."""

    method: str
    seed: int
    path: Path


def make_figure3(
    settings: str,
    questions: Path,
    completions: list[RunFile],
    verdicts: list[RunFile],
    out: Path,
) -> None:
    """Draw the case study, Figure 3: the question that the judge rated most differently.

    Args:
        settings: this step's part of the config, as JSON
        questions: questions.jsonl of the benchmark
        completions: method,seed=answers.jsonl
        verdicts: method,seed=verdicts.jsonl
        out: the pdf; png and csv go beside it
    """
    chosen = json.loads(settings)
    judged = {(file.method, file.seed): file.path for file in verdicts}
    runs = {method: (seed, path, judged[method, seed]) for method, seed, path in completions}
    plot_case(questions, runs, chosen["judge"], About.of(chosen), out)
