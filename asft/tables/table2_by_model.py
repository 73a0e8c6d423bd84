"""Table 2 of several base models as Markdown and LaTeX."""

from collections.abc import Iterable
from itertools import groupby

from asft.tables.latex import (
    escape_tex,
    tabular,
    tex_estimate,
    tex_heading,
    tex_line,
    tex_table,
)
from asft.tables.panels import Panel, is_control
from asft.tables.table2_markdown import (
    CONTROLS,
    DISTRUST,
    control_cells,
    difference_cells,
    panel_cells,
)
from asft.tables.text import DIFFERENCES, Row, grid, named


def markdown2(
    panels: list[Panel], rows: list[Row], differences: list[Row], title: str, remark: str
) -> str:
    """Return the joined Table 2 in Markdown, without what the models' own tables say besides."""
    sections = [f"# Table 2: {title}", remark]
    sections += [
        f"**WARNING**, {row['model']}: {row['warning']}." for row in rows if row["warning"]
    ]
    contestants = [row for row in rows if not is_control(row["method"])]
    for panel in panels:
        lines = [
            named(row, rows) | panel_cells(panel, row)
            for row in contestants
            if panel.named("n") in row
        ]
        judges = ", ".join(sorted({row[panel.named("judge")] for row in _judged(panel, rows)}))
        sections += [f"## {panel.benchmark}, judged by {judges}", grid(lines)]
        column = panel.named("distrust")
        found = dict.fromkeys((r["model"], r[column]) for r in rows if r.get(column))
        sections += [f"**† {model}: {DISTRUST.lower()}: {why}.**" for model, why in found]
    controls = [row for row in rows if is_control(row["method"])]
    if controls:
        shown = [[p for p in panels if p.named("n") in row] for row in controls]
        pairs = zip(controls, shown, strict=True)
        lines = [named(row, rows) | control_cells(known, row) for row, known in pairs]
        sections += ["## Controls: answers that deserve nothing", CONTROLS, grid(lines)]
    if differences:
        lines = [named(row, differences) | difference_cells(row) for row in differences]
        head = "## Differences between methods, over the same questions"
        sections += [head, DIFFERENCES, grid(lines)]
    return "\n\n".join(sections) + "\n"


def latex2(panels: list[Panel], rows: list[Row], title: str) -> str:
    """Return the joined Table 2 as a LaTeX `table` environment, each model below its name."""
    heads = [escape_tex(f"{panel.benchmark}, {panel.judge}") for panel in panels]
    lines = []
    for number, (model, found) in enumerate(groupby(rows, lambda row: row["model"])):
        lines += [r"\midrule"] if number else []
        lines.append(tex_heading(model, 1 + len(panels)))
        for row in found:
            cells = [tex_estimate(panel.block.headline, row, panel.names) for panel in panels]
            values, bounds = zip(*cells, strict=True)
            lines += [tex_line([escape_tex(row["method"]), *values]), tex_line(["", *bounds])]
    body = tabular(f"l{'r' * len(panels)}", ["Method", *heads], lines)
    caption = f"Win rates (%) and ratings (1--10): {title}".replace("–", "--")
    return tex_table(f"Table 2: {title}", caption, [r"\smallskip", *body])


def _judged(panel: Panel, rows: Iterable[Row]) -> Iterable[Row]:
    return (row for row in rows if panel.named("n") in row)
