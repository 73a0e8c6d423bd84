"""The live view as one page that opens from disk and loads itself again while something runs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from asft.files import write_text
from asft.watching.curves import Points
from asft.watching.jobs import COUNTS, Run
from asft.watching.steps import Step
from asft.watching.words import HEADS, cells, summary

WIDTH, HEIGHT = 300, 90  # of a curve


class Panel(NamedTuple):
    """A drawing of one quantity: lines as SVG's points, and the range of its values."""

    title: str
    train: str
    heldout: str
    low: str
    high: str
    last: int


def write_page(
    path: Path, results: Path, run: Run | None, steps: list[Step], now: float, every: float | None
) -> None:
    """Write the page, which loads itself again `every` so many seconds, or not at all if None."""
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = pages.get_template("live.html").render(
        results=str(results),
        every=every,
        at=time.strftime("%F %T", time.localtime(now)),
        summary=summary(run, now),
        counts=COUNTS,
        rules=run.by_rule() if run else [],
        heads=HEADS,
        rows=[cells(step, now) for step in steps],
        curves=[(step.name, _panels(step), step.health) for step in steps if step.curves],
        size=(WIDTH, HEIGHT),
    )
    write_text(path, page)


def _panels(step: Step) -> list[Panel]:
    curves = step.curves
    assert curves
    pairs = [
        ("loss", curves.loss, curves.heldout_loss),
        ("margin", curves.margin, curves.heldout_margin),
    ]
    return [_panel(title, *both) for title, *both in pairs if any(both)]


def _panel(title: str, train: Points, heldout: Points) -> Panel:
    values = [value for _, value in [*train, *heldout]]
    low, high, last = min(values), max(values), max(step for step, _ in [*train, *heldout])

    def line(points: Points) -> str:
        return " ".join(
            f"{WIDTH * step / max(1, last):.1f},"
            f"{HEIGHT * (1 - (value - low) / ((high - low) or 1.0)):.1f}"
            for step, value in points
        )

    return Panel(title, line(train), line(heldout), f"{low:.4g}", f"{high:.4g}", last)
