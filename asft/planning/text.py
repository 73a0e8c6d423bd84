"""A plan as a table for a terminal, and as a CSV file."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from asft.files import write_text
from asft.planning.judge_costs import JudgeLine
from asft.planning.lines import Line

UNKNOWN = "unknown"
HEAD = ("rule", "to do", "there", "hours", "minutes a job", "peak MB", "disk MB", "how sure")


def plan_text(lines: Sequence[Line], judges: Sequence[JudgeLine], cores: int) -> str:
    """Return a plan as text: a line a rule that has jobs left, the sums, a line a judge.

    Args:
        cores: of this machine, or of a job of the profile
    """
    rows: list[tuple[str, ...]] = [HEAD]
    left = [line for line in lines if line.missing]
    order = sorted(left, key=lambda line: -(line.hours or 0))
    rows += [_row(line) for line in order if line.computes]
    if others := [line for line in left if not line.computes]:
        rows.append(_row(_together(others)))
    parts = [*([_aligned(rows), ""] if left else []), *_sums(lines, cores)]
    if judges:
        head = ("judge", "model", "calls", "reads", "writes", "USD", "how sure")
        parts += ["", _aligned([head, *(_judge_row(judge) for judge in judges)])]
        parts += [f"{judge.judge}: {said}" for judge in judges if (said := _left_out(judge))]
    return "\n".join(parts) + "\n"


def _row(line: Line) -> tuple[str, ...]:
    each = None if line.minutes is None else line.minutes / line.missing
    return (
        line.rule,
        f"{line.missing}",
        f"{line.there}",
        UNKNOWN if line.hours is None else f"{line.hours:.2f} {'GPU' if line.gpu else 'CPU'}",
        UNKNOWN if each is None else f"{each:.1f}",
        UNKNOWN if line.memory is None else f"{line.memory:,.0f}",
        f"{line.disk:,.0f}" if line.disk else "",
        line.sure,
    )


def _together(lines: Sequence[Line]) -> Line:
    """Rules whose jobs compute with no model, as one line."""
    return Line(
        rule="others, without a model",
        computes=False,
        missing=sum(line.missing for line in lines),
        there=sum(line.there for line in lines),
        hours=sum(line.hours or 0 for line in lines),
        gpu=False,
        minutes=sum(line.minutes or 0 for line in lines),
        memory=max(line.memory or 0 for line in lines),
        disk=0.0,
        sure="measured here"
        if {line.sure for line in lines} == {"measured here"}
        else lines[0].sure,
    )


def _sums(lines: Sequence[Line], cores: int) -> list[str]:
    missing, there = sum(line.missing for line in lines), sum(line.there for line in lines)
    unknown = [line.rule for line in lines if line.missing and line.hours is None]
    beside = f", and {', '.join(unknown)}, of which it is unknown" if unknown else ""
    cpu = sum(line.hours or 0 for line in lines if not line.gpu)
    gpu = sum(line.hours or 0 for line in lines if line.gpu)
    peak = max((line.memory or 0 for line in lines if line.missing), default=0)
    said = [f"{missing} jobs to do, {there} there"]
    if missing:
        time = f"{cpu:.2f} CPU hours" + (f", {gpu:.2f} GPU hours" if gpu else "")
        wall = "" if gpu else f", at least {60 * cpu / cores:.0f} minutes on {cores} cores"
        said.append(f"{time}{wall}{beside}")
        said.append(f"{peak:,.0f} MB in the largest job")
        said.append(f"{sum(line.disk for line in lines):,.0f} MB of models and policies are added")
    return said


def _judge_row(line: JudgeLine) -> tuple[str, ...]:
    money = UNKNOWN if line.money is None else line.money
    return (
        line.judge,
        line.model,
        f"{line.calls:,}" if line.prompts else UNKNOWN,
        f"{line.tokens:,.0f}" if line.prompts else UNKNOWN,
        f"{line.output:,.0f}" if line.prompts and line.output is not None else UNKNOWN,
        "0, it runs here"
        if money == "local"
        else money
        if isinstance(money, str)
        else f"{money:.2f}",
        _sure(line),
    )


def _sure(line: JudgeLine) -> str:
    if not line.prompts:
        return UNKNOWN
    return "counted" if line.counted else "estimated"


def _left_out(line: JudgeLine) -> str:
    if not line.unknown_jobs:
        return ""
    return f"besides, {line.unknown_jobs} job(s) whose questions are not fetched yet"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as what they hold; all but the first and the last flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    last = len(widths) - 1
    lines = (
        "  ".join(
            cell.ljust(width) if place in (0, last) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def write_plan(lines: Iterable[Line], judges: Iterable[JudgeLine], out: Path) -> None:
    """Write a plan as CSV: a row a rule and a row a judge; what is unknown is empty."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(["kind", "name", *COLUMNS])
    for line in lines:
        unit = "gpu" if line.gpu else "cpu"
        numbers = [line.missing, line.there, *(_number(n) for n in (line.hours, line.minutes))]
        numbers += [_number(line.memory), _number(line.disk)]
        writer.writerow(["rule", line.rule, *numbers[:2], unit, *numbers[2:], *[""] * 4, line.sure])
    for judge in judges:
        money = "0" if judge.money == "local" else _number(judge.money)
        about = (
            [judge.calls, _number(judge.tokens), _number(judge.output)]
            if judge.prompts
            else [""] * 3
        )
        sure = _sure(judge)
        writer.writerow(["judge", judge.judge, *[""] * 7, *about, money, sure])
    write_text(out, sink.getvalue())


COLUMNS = (
    *("to_do", "there", "unit", "hours", "minutes", "peak_mb", "disk_mb"),
    *("calls", "tokens_read", "tokens_written", "usd", "sure"),
)


def _number(value: float | str | None) -> str:
    return f"{value:.4g}" if isinstance(value, float | int) else ""
