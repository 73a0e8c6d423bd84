"""Show how far an experiment is, on the terminal and as a page, until it ends.

Reads  .snakemake/log/ of the folder where Snakemake works, the small files that steps write beside
       their logs, and the history that grows beside a training's checkpoints
Writes <results>/live.html
By hand: asft watch [RESULTS] [--once] [--every SECONDS]
"""

import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

from rich.console import Console, Group
from rich.live import Live
from typer import Argument, Option

from asft.errors import UserError
from asft.watching.jobs import newest_run
from asft.watching.page import write_page
from asft.watching.steps import running_steps
from asft.watching.terminal import view

PAGE = "live.html"
WIDTH = 160  # where the output is no terminal


def watch_results(
    results: Annotated[Path, Argument(help="the config's `results`")] = Path("results"),
    once: bool = False,
    every: Annotated[float, Option(min=1, help="seconds between two looks")] = 5,
) -> None:
    """Show jobs and running steps until the run is over; Ctrl-C ends it before. It only reads.

    Args:
        once: look once and end

    Raises:
        UserError: there is no such folder.
    """
    if not results.is_dir():
        raise UserError(f"{results}: no such folder yet; give the config's `results`")
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    if once:
        _look(results, None, console.print)
        return
    stop = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        with Live(console=console, auto_refresh=False) as live:
            show = partial(live.update, refresh=True)
            while _look(results, every, show):
                if stop.wait(every):
                    _look(results, None, show)  # the page loads itself no more
                    return
    finally:
        signal.signal(signal.SIGINT, before)


def _look(results: Path, every: float | None, show: Callable[[Group], None]) -> bool:
    """Look once, show it and write the page; return whether something may still come."""
    now = time.time()
    run = newest_run(results)
    steps = running_steps(results, run, now)
    goes_on = run is None or not run.over or any(not step.is_silent(now) for step in steps)
    write_page(results / PAGE, results, run, steps, now, every if goes_on else None)
    show(view(results, run, steps, now))
    return goes_on
