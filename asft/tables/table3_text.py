"""Table 3 as Markdown and LaTeX; rows of several base models have a column, or heading, of it."""

from itertools import groupby

from asft.tables.latex import (
    escape_tex,
    tabular,
    tex_estimate,
    tex_heading,
    tex_line,
    tex_table,
    tex_text,
)
from asft.tables.table3_columns import (
    FAMILIES,
    TABLE3,
    MetricColumn,
    estimate_columns,
    family_columns,
)
from asft.tables.text import DIFFERENCES, Row, difference_texts, grid, named


def markdown(rows: list[Row], differences: list[Row], title: str, remark: str) -> str:
    """Return Table 3 in Markdown: title, remark, one table per metric family, differences."""
    sections = [f"# Table 3: {title}", remark]
    for family, heading in FAMILIES.items():
        lines = [named(row, rows) | _family_cells(row, family) for row in rows]
        sections += [f"## {heading}", grid(lines)]
    if differences:
        sections += [
            "## Differences between methods, over the same questions",
            DIFFERENCES,
            grid([named(row, differences) | _difference_cells(row) for row in differences]),
        ]
    return "\n\n".join(sections) + "\n"


def latex(rows: list[Row], title: str) -> str:
    """Return Table 3 as a LaTeX `table` environment; intervals stand below the values.

    The families share the heads: what a family has no column of is empty in its lines.
    """
    heads = list(dict.fromkeys(column.tex for column in TABLE3 if column.tex))
    lines = []
    for number, (family, heading) in enumerate(FAMILIES.items()):
        columns = {column.tex: column for column in family_columns(family)}
        lines += [r"\midrule"] if number else []
        lines.append(tex_heading(heading, 3 + len(heads)))
        for model, found in groupby(rows, lambda row: row["model"]):
            if len({row["model"] for row in rows}) > 1:
                lines.append(tex_heading(model, 3 + len(heads)))
            for row in found:
                lines += _tex_lines(row, [columns.get(head) for head in heads])
    body = tabular(f"lll{'r' * len(heads)}", ["Dataset", "Method", "", *heads], lines)
    caption = f"BLEU and ROUGE: {title}"
    return tex_table(f"Table 3: {title}", caption, [r"\smallskip", *body])


def _family_cells(row: Row, family: str) -> dict[str, str]:
    """One line of a family's table; the paper's values stand beside their own family only."""
    cells = {"dataset": row["dataset"], "method": row["method"], "seeds": str(row["seeds"])}
    for column in family_columns(family):
        if column.kind == "estimate":
            cells[column.label] = column.estimate(row, column.names)
        else:
            cells[column.label] = column.text(row, column.key)
        if column.paper:
            cells[f"paper's {column.label}"] = column.text(row, f"paper_{column.paper}", "")
    return cells


def _difference_cells(row: Row) -> dict[str, str]:
    return {
        "dataset": row["dataset"],
        "first − second": f"{row['method_a']} − {row['method_b']}",
        "metric": row["metric"],
        **difference_texts(row, estimate_columns()[row["metric"]].digits),
    }


def _tex_lines(row: Row, columns: list[MetricColumn | None]) -> list[str]:
    """Values, their intervals below, and below those the paper's values where there are any."""
    cells = [_tex_cells(row, column) if column else ("", "", "") for column in columns]
    values, bounds, published = zip(*cells, strict=True)
    lines = [[escape_tex(row["dataset"]), escape_tex(row["method"]), "here", *values]]
    lines.append(["", "", "", *bounds])
    if any(published):
        lines.append(["", "", "paper", *published])
    return [tex_line(cells) for cells in lines]


def _tex_cells(row: Row, column: MetricColumn) -> tuple[str, str, str]:
    published = column.text(row, f"paper_{column.paper}", "") if column.paper else ""
    if column.kind == "estimate":
        return *tex_estimate(column, row, column.names), published
    return tex_text(column, row, column.key), "", published
