"""Figures of what judges said: case study (Figure 3), MT-Bench by category, length, differences.

Reads   benchmarks/{benchmark}/questions.jsonl, runs/…/completions/…, runs/…/verdicts/…
        runs/…/scores/{benchmark}/{judge}.csv   asft.steps.score_verdicts
        table2.csv, table2.differences.csv, table3.differences.csv
Writes  {figure}.pdf, .png, .csv

By hand: asft plot figure3 --help, and so on
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from asft.case_study import Contestant, case_study
from asft.config import Statistics
from asft.figure_case import draw_case
from asft.figure_differences import draw_differences, read_differences
from asft.figure_length import draw_length, score_by_length
from asft.figure_mt_bench import by_category, draw_mt_bench
from asft.judged_files import ScoreFile, read_cells, read_table2
from asft.plotting import About, render
from asft.records import Completion, Question, Verdict, read_jsonl


def plot_case(
    questions: Path,
    runs: Mapping[str, tuple[int, Path, Path]],
    judge: str,
    about: About,
    out: Path,
) -> None:
    """Figure 3; `runs` maps a method to (seed, completions, verdicts).

    Raises:
        UserError: a file is unusable.
    """
    contestants = {
        method: Contestant(seed, read_jsonl(answers, Completion), read_jsonl(verdicts, Verdict))
        for method, (seed, answers, verdicts) in runs.items()
    }
    numbers = case_study(read_jsonl(questions, Question), contestants, judge)
    render(partial(draw_case, numbers, about), numbers, out)


def plot_mt_bench(
    files: Sequence[ScoreFile], table2: Path, statistics: Statistics, about: About, out: Path
) -> None:
    """MT-Bench by category and method.

    Raises:
        UserError: a file is unusable, or the table has no such cell.
    """
    cells = read_cells(files, pairwise=False)
    numbers = by_category(cells, read_table2(table2), table2, statistics)
    render(partial(draw_mt_bench, numbers, statistics, about), numbers, out)


def plot_length(
    files: Sequence[ScoreFile], table2: Path, statistics: Statistics, about: About, out: Path
) -> None:
    """Score against length, by method and question.

    Raises:
        UserError: a file is unusable, or the table has no such cell.
    """
    cells = [*read_cells(files, pairwise=True), *read_cells(files, pairwise=False)]
    numbers = score_by_length(cells, read_table2(table2), table2)
    render(partial(draw_length, numbers, statistics, about), numbers, out)


def plot_differences(
    table2: Path | None, table3: Path, statistics: Statistics, about: About, out: Path
) -> None:
    """Forest plot of both tables' paired differences.

    Raises:
        UserError: a file is missing or not a table's differences.
    """
    numbers = read_differences(table2, table3)
    render(partial(draw_differences, numbers, statistics, about), numbers, out)
