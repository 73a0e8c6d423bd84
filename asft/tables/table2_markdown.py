"""Table 2 as Markdown."""

from typing import Any

import pandas as pd

from asft.config import Statistics
from asft.metrics import Ratings, by_category
from asft.tables import paper
from asft.tables.paper import judge_note
from asft.tables.table2_rows import (
    Column,
    Entry,
    Row,
    Table,
    judge_label,
    judge_models,
    published_columns,
)
from asft.tables.text import DIFFERENCES, explain_intervals, explain_verdict, p_text, spread

REMARK = (
    "Official: the interval of arena-hard-auto v0.1, over all methods' games at once; too narrow"
    " because it takes the games of one question for independent. Length- and style-controlled:"
    " fitted win rate at no difference to the baseline's answers (arena-hard-auto reports it at the"
    " mean difference), all methods in one fit. Scored: verdicts that count, of those asked for."
    ' The paper\'s values are of Meta-Llama-3-8B-Instruct; its "SFT" is the off-the-shelf model,'
    " our `base`."
)
NONE = "—"
REFUSED = r"— \*"


def markdown(table: Table, title: str, trained: str, statistics: Statistics) -> str:
    """The title, what was trained, a remark, warnings, a section per column, controls, differences.

    Args:
        trained: one sentence on the training data, or "".
    """
    seeds = max(len(entry.seeds) for entry in table.entries)
    sections = [f"# Table 2: {title}", *([trained] if trained else [])]
    sections.append(f"{explain_intervals(statistics, seeds)} {REMARK}")
    sections += [f"**WARNING**: {row['warning']}." for row in table.rows if row["warning"]]
    lines = list(zip(table.entries, table.rows, strict=True))
    contestants = [line for line in lines if not line[0].is_control]
    controls = [line for line in lines if line[0].is_control]
    for column in table.columns:
        published = published_columns(table.entries, column)
        cells = [_line(column, row, published) for _, row in contestants]
        sections += [_heading(table, column), _grid(cells)]
        if f"{column.prefix}_turn1" in table.rows[0]:
            sections.append(_grid([_category_cells(column, *line) for line in contestants]))
        sections += _unscored(table.entries, column)
    if controls:
        sections += [
            "## Controls: answers that deserve nothing",
            "A judge that rates them like a policy can be fooled. They are judged like any method,"
            " but enter neither the differences nor the style control."
            + _uncompared(table.rows, table.columns),
            _grid([_control_cells(table.columns, row) for _, row in controls]),
        ]
    refused = [f"- {row['method']}: {row['refused']}" for row in table.rows if row["refused"]]
    if refused:
        sections += [r"\* Empty cells, and why:", "\n".join(refused)]
    if table.differences:
        sections += [
            "## Differences between methods, over the same questions",
            DIFFERENCES,
            _grid([_difference_cells(row) for row in table.differences]),
        ]
    return "\n\n".join(sections) + "\n"


def paper_section(published: list[Row]) -> str:
    """The paper's own differences, under the largest variance that its means allow."""
    rows = [
        {
            "paper's column": paper.TABLE2_LABELS[row["column"]],
            "first − second": f"{row['method_a']} − {row['method_b']}",
            "difference": f"{row['difference']:+.2f} [{row['low']:.2f}, {row['high']:.2f}]",
            "p": p_text(row["p_value"]),
            "questions": str(row["n"]),
            "correlation needed": f"{row['correlation_needed']:.3f}",
            "first is": row["verdict"],
        }
        for row in published
    ]
    return "\n\n".join(
        [
            "## The paper's own differences",
            "The paper gives no intervals. These are the widest that its means allow (every answer"
            " judged at one end of the scale), with a correlation of 0.5 between two methods over"
            " the same questions. Correlation needed: where the difference would begin to stand"
            " out, were it so high (asft/tables/published_differences.py).",
            _grid(rows) + "\n",
        ]
    )


def _heading(table: Table, column: Column) -> str:
    note = judge_note(column.benchmark, judge_models(table.entries, column))
    label = judge_label(table.entries, column)
    return f"## {column.benchmark}, judged by {label}\n\n{note[0].upper()}{note[1:]}."


def _line(column: Column, row: Row, published: list[str]) -> dict[str, str]:
    """One line of a column's table."""
    cells = {"method": row["method"], "seeds": str(row["seeds"])}
    shown = _headline(column, row)
    if f"{column.prefix}_official_low" in row:
        several = f"{column.benchmark}_avg_tokens" in row
        habit = f"{column.benchmark}_" if several else ""
        low, high = (row[f"{column.prefix}_official_{end}"] for end in ("low", "high"))
        cells |= {
            "win rate": shown,
            "official": NONE if low is None else f"[{low:.1f}, {high:.1f}]",
            "length-controlled": _number(row[f"{column.prefix}_length_controlled"]),
            "style-controlled": _number(row[f"{column.prefix}_style_controlled"]),
            "tokens": _number(row[f"{habit}avg_tokens"], 0),
            "swap-consistent": _percent(row[f"{habit}swap_consistency"]),
            "first position wins": _percent(row[f"{habit}first_position_rate"]),
        }
    else:
        names = {f"turn {n}": f"{column.prefix}_turn{n}" for n in (1, 2)}
        turns = {label: _number(row[name], 2) for label, name in names.items() if name in row}
        cells |= {"win rate" if column.pairwise else "rating": shown} | turns
    cells |= {
        f"paper's, {paper.TABLE2_LABELS[name]}": _number(
            row[f"paper_{name}"], 1 if column.pairwise else 2
        )
        for name in published
    }
    return cells | {"scored": _scored(column, row)}


def _category_cells(column: Column, entry: Entry, row: Row) -> dict[str, str]:
    content = entry.cells[column].content
    means: dict[str, float] = {}
    if isinstance(content, Ratings) and row[column.headline] is not None:
        means = by_category(content)
    categories = dict.fromkeys(content.categories) if isinstance(content, Ratings) else {}
    return {"method": row["method"]} | {
        name or "no category": _number(means.get(name), 2) for name in categories
    }


def _unscored(entries: list[Entry], column: Column) -> list[str]:
    """What became of verdicts that do not count."""
    lines = []
    for entry in entries:
        statuses = entry.cells[column].statuses
        lost = [f"{n} {name}" for name, n in sorted(statuses.items()) if name != "ok"]
        if lost:
            lines.append(f"{entry.method} {', '.join(lost)}")
    return [f"Without a verdict that counts: {'; '.join(lines)}."] if lines else []


def _control_cells(columns: list[Column], row: Row) -> dict[str, str]:
    cells = {"control": row["method"]}
    for column in columns:
        cells[f"{column.benchmark}, {column.judge}"] = _headline(column, row)
        cells[f"scored, {column.prefix}"] = _scored(column, row)
    notes = ["not scored"] if any(row[column.headline] is None for column in columns) else []
    notes += ["**at or above base**"] if row["fools"] else []
    return cells | {"": ", ".join(notes)}


def _uncompared(rows: list[Row], columns: list[Column]) -> str:
    base: Row = next((row for row in rows if row["method"] == "base"), {})
    names = [column.headline for column in columns if base.get(column.headline) is None]
    return f" `base` has no value to compare them with: {', '.join(names)}." if names else ""


def _difference_cells(row: Row) -> dict[str, str]:
    low, high, digits = row["low"], row["high"], 1 if row["metric"] == "win_rate" else 2
    bounds = NONE if low != low else f"[{low:.{digits}f}, {high:.{digits}f}]"
    return {
        "benchmark, judge": f"{row['benchmark']}, {row['judge']}",
        "first − second": f"{row['method_a']} − {row['method_b']}",
        "difference": f"{row['difference']:+.{digits}f} {bounds}",
        "p": NONE if row["p_value"] != row["p_value"] else p_text(row["p_value"]),
        "first is": explain_verdict(row),
    }


def _headline(column: Column, row: Row) -> str:
    value, digits = row[column.headline], 1 if column.pairwise else 2
    if value is None:
        return REFUSED
    low, high = row[f"{column.prefix}_low"], row[f"{column.prefix}_high"]
    shown = f"{value:.{digits}f}{spread(row[f'{column.prefix}_seed_sd'], digits)}"
    return f"{shown} [{low:.{digits}f}, {high:.{digits}f}]"


def _scored(column: Column, row: Row) -> str:
    n = row[f"{column.prefix}_n"]
    return f"{n - row[f'{column.prefix}_n_unscored']}/{n}"


def _number(value: Any, digits: int = 1) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return NONE if value is None else f"{100 * value:.0f} %"


def _grid(rows: list[dict[str, str]]) -> str:
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)
