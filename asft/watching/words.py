"""How the live view says times, sizes and counts, on the terminal and on the page."""

from __future__ import annotations

import time

from asft.config import usd
from asft.watching.jobs import Run
from asft.watching.steps import Step

HEADS = ("step", "done", "left", "loss", "margin", "tokens/s", "memory", "spent")


def duration(seconds: float | None) -> str:
    """Return a time as its two largest units, "1 h 05 min"; nothing where it is not known."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours:02d} h"
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def cells(step: Step, now: float) -> list[str]:
    """Return what `HEADS` names of a step."""
    if step.done is None:
        since = duration(now - step.began) if step.began else ""
        return [step.name, f"for {since}" if since else "", *[""] * (len(HEADS) - 2)]
    of = f" of {step.total:,}" if step.total is not None else ""
    left = f"silent for {duration(now - (step.told or now))}"
    if not step.is_silent(now):
        left = "ending" if step.done == step.total else duration(step.seconds_left(now))
    curves = step.curves
    return [
        step.name,
        f"{step.unit} {step.done:,}{of}",
        left,
        f"{curves.loss[-1][1]:.4g}" if curves and curves.loss else "",
        f"{curves.margin[-1][1]:.4g}" if curves and curves.margin else "",
        f"{step.tokens_per_second:,.0f}" if step.tokens_per_second else "",
        f"{step.memory_bytes / 1e9:.2f} GB" if step.memory_bytes else "",
        spent(step),
    ]


def spent(step: Step) -> str:
    """Return what a judge's server was sent and what that cost, or took where no price is known."""
    if step.sent is None:
        return ""
    took = f"{step.judge_tokens or 0:,} tokens" if step.usd is None else f"{usd(step.usd)} USD"
    more = f" + {step.uncounted:,} uncounted" if step.uncounted else ""
    return f"{step.sent:,} sent, {took}{more}"


def summary(run: Run | None, now: float) -> str:
    """Return how the run of Snakemake stands, in a sentence."""
    if run is None:
        return "No run of Snakemake has planned anything here."
    made, planned = sum(run.count("made").values()), sum(run.planned.values())
    failed = sum(run.count("failed").values())
    parts = [f"{made} of {planned} jobs of the newest run are made"]
    parts += [f"{failed} failed"] if failed else []
    if run.over:
        parts.append(f"it ended at {time.strftime('%F %T', time.localtime(run.changed))}")
    else:
        parts.append(f"its log grew {duration(now - run.changed)} ago")
    return ", ".join(parts) + "."
