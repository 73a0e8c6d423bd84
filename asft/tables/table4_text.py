"""Table 4 as Markdown and LaTeX: a row for each data set and method, a column for each number."""

from itertools import groupby

from asft.tables.latex import escape_tex, tabular, tex_estimate, tex_line, tex_table
from asft.tables.table4_columns import NAMES, Ability
from asft.tables.text import DIFFERENCES, NONE, Row, difference_texts, grid


def markdown(
    rows: list[Row],
    differences: list[Row],
    abilities: dict[str, Ability],
    title: str,
    remark: str,
) -> str:
    """Return Table 4 in Markdown: values, lm-eval's own, how they were asked, differences."""
    sections = [f"# Table 4: {title}", remark]
    sections.append(grid([_cells(list(lines), abilities) for _, lines in _by_row(rows)]))
    sections += ["## As lm-evaluation-harness reports them: value ± its standard error"]
    sections.append(grid([_own_cells(list(lines), abilities) for _, lines in _by_row(rows)]))
    sections += ["## How they were asked", _asked(rows, abilities)]
    if differences:
        sections += [
            "## Differences between methods, over the same questions",
            DIFFERENCES,
            grid([_difference_cells(row, abilities) for row in differences]),
        ]
    return "\n\n".join(sections) + "\n"


def latex(rows: list[Row], abilities: dict[str, Ability], title: str) -> str:
    """Return Table 4 as a LaTeX `table` environment; intervals stand below the values."""
    lines = []
    for (dataset, method), found in _by_row(rows):
        cells = [tex_estimate(_ability(row, abilities), row, NAMES) for row in found]
        values, bounds = zip(*cells, strict=True)
        lines.append(tex_line([escape_tex(dataset), escape_tex(method), *values]))
        lines.append(tex_line(["", "", *bounds]))
    heads = [escape_tex(ability.label) for ability in abilities.values()]
    body = tabular(f"ll{'r' * len(heads)}", ["Dataset", "Method", *heads], lines)
    return tex_table(f"Table 4: {title}", f"Abilities: {title}", [r"\smallskip", *body])


def _by_row(rows: list[Row]) -> list[tuple[tuple[str, str], list[Row]]]:
    found = groupby(rows, lambda row: (row["dataset"], row["method"]))
    return [(name, list(lines)) for name, lines in found]


def _ability(row: Row, abilities: dict[str, Ability]) -> Ability:
    return abilities["/".join(row[name] for name in ("benchmark", "task", "metric", "filter"))]


def _cells(lines: list[Row], abilities: dict[str, Ability]) -> dict[str, str]:
    cells = {name: str(lines[0][name]) for name in ("dataset", "method", "seeds")}
    return cells | {
        ability.label: ability.estimate(row, NAMES)
        for row in lines
        for ability in [_ability(row, abilities)]
    }


def _own_cells(lines: list[Row], abilities: dict[str, Ability]) -> dict[str, str]:
    cells = {name: str(lines[0][name]) for name in ("dataset", "method")}
    for row in lines:
        ability = _ability(row, abilities)
        value, error = (ability.text(row, name) for name in ("lm_eval", "lm_eval_stderr"))
        cells[ability.label] = value if error == NONE else f"{value} ± {error}"
    return cells


def _asked(rows: list[Row], abilities: dict[str, Ability]) -> str:
    counts = {
        ability.number.task: f"{row['n']} questions, {ability.asked}"
        for row in rows
        for ability in [_ability(row, abilities)]
    }
    return grid([{"task": task, "asked": asked} for task, asked in counts.items()])


def _difference_cells(row: Row, abilities: dict[str, Ability]) -> dict[str, str]:
    ability = _ability(row, abilities)
    return {
        "dataset": row["dataset"],
        "first − second": f"{row['method_a']} − {row['method_b']}",
        "metric": ability.label,
        **difference_texts(row, ability.digits),
    }
