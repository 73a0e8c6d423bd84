"""The live view on a terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from asft.watching.jobs import COUNTS, Run
from asft.watching.steps import Step
from asft.watching.words import HEADS, cells, summary


def view(results: Path, run: Run | None, steps: list[Step], now: float) -> Group:
    """Return the tables of rules and of running steps."""
    parts: list[Text | Table] = [Text(f"{results}: {summary(run, now)}")]
    if run:
        parts.append(_rules(run))
    parts.append(_steps(steps, now) if steps else Text("No step is running."))
    parts += [Text(f"{step.name}, {said}") for step in steps for said in step.health]
    return Group(*parts)


def _rules(run: Run) -> Table:
    table = Table("rule", "", box=None, pad_edge=False)
    for name in COUNTS:
        table.add_column(name, justify="right")
    for rule, counts in run.by_rule():
        made, planned, *_ = counts
        bar = ProgressBar(total=planned, completed=made, width=20)
        table.add_row(Text(rule), bar, *(str(count) if count else "" for count in counts))
    return table


def _steps(steps: list[Step], now: float) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in HEADS:
        table.add_column(head, justify="left" if head == "step" else "right")
    for step in steps:
        table.add_row(*map(Text, cells(step, now)))
    return table
