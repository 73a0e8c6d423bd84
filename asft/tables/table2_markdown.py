"""Table 2 as Markdown."""

from collections.abc import Container, Sequence

from asft.config import Statistics
from asft.tables import paper
from asft.tables.panels import (
    Entry,
    Panel,
    judge_label,
    published_columns,
    remarks,
)
from asft.tables.table2_columns import JudgedColumn, headlines
from asft.tables.table2_rows import Table
from asft.tables.text import (
    DIFFERENCES,
    Row,
    bracketed,
    difference_texts,
    explain_intervals,
    grid,
    p_text,
    signed,
)

REMARK = (
    "Official: the interval of arena-hard-auto v0.1, over all methods' games at once; too narrow"
    " because it takes the games of one question for independent. Length- and style-controlled:"
    " fitted win rate at no difference to the baseline's answers (arena-hard-auto reports it at the"
    " mean difference), all methods in one fit. Scored: verdicts that count, of those asked for."
    ' The paper\'s values are of Meta-Llama-3-8B-Instruct; its "SFT" is the off-the-shelf model,'
    " our `base`."
)
CONTROLS = (
    "A judge that rates them like a policy can be fooled. They are judged like any method,"
    " but enter neither the differences nor the style control."
)
REFUSED = r"— \*"
MARK = " †"  # of values that say nothing of quality
DISTRUST = "Do not trust these values"


def markdown(table: Table, title: str, trained: str, statistics: Statistics) -> str:
    """Return Table 2 in Markdown: title, data, remark, warnings, panels, controls, differences.

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
    for panel in table.panels:
        published = published_columns(table.entries, panel)
        cells = [panel_cells(panel, row, published) for _, row in contestants]
        sections.append(_heading(table, panel))
        if panel in table.distrust:
            sections.append(f"**† {DISTRUST}: {table.distrust[panel]}.**")
        sections.append(grid(cells))
        for column in panel.block.columns:
            if column.kind == "means":
                sections.append(grid([_means(panel, column, *line) for line in contestants]))
        sections += _unscored(table.entries, panel)
    if controls:
        sections += [
            "## Controls: answers that deserve nothing",
            CONTROLS + _uncompared(table.rows, table.panels),
            grid([control_cells(table.panels, row) for _, row in controls]),
        ]
    refused = [f"- {row['method']}: {row['refused']}" for row in table.rows if row["refused"]]
    if refused:
        sections += [r"\* Empty cells, and why:", "\n".join(refused)]
    remarked = [f"- {e.method}: {'; '.join(found)}" for e in table.entries if (found := remarks(e))]
    if remarked:
        sections += ["Remarks, on values that stand as they are:", "\n".join(remarked)]
    if table.differences:
        distrusted = [panel[:2] for panel in table.distrust]
        sections += [
            "## Differences between methods, over the same questions",
            DIFFERENCES,
            grid([difference_cells(row, distrusted) for row in table.differences]),
        ]
    return "\n\n".join(sections) + "\n"


def paper_section(published: list[Row]) -> str:
    """Return the section on the paper's own differences, in Markdown.

    It rests on the largest variance that the means allow.
    """
    rows = [
        {
            "paper's column": paper.TABLE2_LABELS[row["column"]],
            "first − second": f"{row['method_a']} − {row['method_b']}",
            "difference": f"{signed(row['difference'], 2)} {bracketed(row['low'], row['high'], 2)}",
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
            grid(rows) + "\n",
        ]
    )


def _heading(table: Table, panel: Panel) -> str:
    note = table.notes[panel]
    label = judge_label(table.entries, panel)
    about = f" {panel.block.about}" if panel.block.about else ""
    return f"## {panel.benchmark}, judged by {label}\n\n{note[0].upper()}{note[1:]}.{about}"


def panel_cells(panel: Panel, row: Row, published: Sequence[str] = ()) -> dict[str, str]:
    """Return one line of a panel's table; `published` are the paper's columns beside it."""
    headline = panel.block.headline
    cells = {"method": row["method"], "seeds": str(row["seeds"])}
    cells[headline.label] = _headline(panel, row) + (
        MARK if row.get(panel.named("distrust")) else ""
    )
    for column in panel.block.columns:
        if column.kind != "means" and panel.shows(column, row):
            cells[column.label] = column.text(row, panel.name(column, row))
    for name in published:
        cells[f"paper's, {paper.TABLE2_LABELS[name]}"] = headline.text(row, f"paper_{name}")
    return cells | {"scored": _scored(panel, row)}


def _means(panel: Panel, column: JudgedColumn, entry: Entry, row: Row) -> dict[str, str]:
    """One line of a table of means, as computed: the CSV has none of what has no name."""
    means = column.values({entry.method: entry.cells[panel]})[entry.method]
    if row[panel.headline] is None:
        means = dict.fromkeys(means)
    shown = {name or f"no {column.label}": column.text(means, name) for name in means}
    return {"method": row["method"]} | shown


def _unscored(entries: list[Entry], panel: Panel) -> list[str]:
    """What became of verdicts that do not count."""
    lines = []
    for entry in entries:
        statuses = entry.cells[panel].statuses
        lost = [f"{n} {name}" for name, n in sorted(statuses.items()) if name != "ok"]
        if lost:
            lines.append(f"{entry.method} {', '.join(lost)}")
    return [f"Without a verdict that counts: {'; '.join(lines)}."] if lines else []


def control_cells(panels: list[Panel], row: Row) -> dict[str, str]:
    """Return one line of the controls' table."""
    cells = {"control": row["method"]}
    for panel in panels:
        cells[f"{panel.benchmark}, {panel.judge}"] = _headline(panel, row)
        cells[f"scored, {panel.prefix}"] = _scored(panel, row)
    notes = ["not scored"] if any(row[panel.headline] is None for panel in panels) else []
    notes += ["**at or above base**"] if row["fools"] else []
    return cells | {"": ", ".join(notes)}


def _uncompared(rows: list[Row], panels: list[Panel]) -> str:
    base: Row = next((row for row in rows if row["method"] == "base"), {})
    names = [panel.headline for panel in panels if base.get(panel.headline) is None]
    return f" `base` has no value to compare them with: {', '.join(names)}." if names else ""


def difference_cells(row: Row, distrusted: Container[tuple[str, str]] = ()) -> dict[str, str]:
    """Return one line of the table of differences; marked if of a (benchmark, judge) named so."""
    judged = (row["benchmark"], row["judge"])
    return {
        "benchmark, judge": ", ".join(judged) + (MARK if judged in distrusted else ""),
        "first − second": f"{row['method_a']} − {row['method_b']}",
        **difference_texts(row, headlines()[row["metric"]].digits),
    }


def _headline(panel: Panel, row: Row) -> str:
    if row[panel.headline] is None:
        return REFUSED
    return panel.block.headline.estimate(row, panel.names)


def _scored(panel: Panel, row: Row) -> str:
    n = row[panel.named("n")]
    return f"{n - row[panel.named('n_unscored')]}/{n}"
