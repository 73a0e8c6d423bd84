"""Table 4 as Markdown and LaTeX: a panel for each task, a row for each data set and method."""

from collections.abc import Iterable
from itertools import groupby

from asft.metrics import AbilityKey
from asft.tables.latex import escape_tex, tabular, tex_estimate, tex_heading, tex_line, tex_table
from asft.tables.table4_columns import NAMES, Ability
from asft.tables.table4_judged import section
from asft.tables.text import DIFFERENCES, NONE, Row, difference_texts, grid

Panels = list[tuple[str, list[Ability]]]


def markdown(
    rows: list[Row],
    differences: list[Row],
    abilities: dict[str, Ability],
    title: str,
    remark: str,
) -> str:
    """Return Table 4 in Markdown: title, remark, a table for each task, differences."""
    by_lm_eval = any(ability.chat_template is not None for ability in abilities.values())
    behind = " Behind each: lm-eval's own standard error." if by_lm_eval else ""
    sections = [f"# Table 4: {title}", f"{remark}{behind}"]
    for heading, panel in _panels(rows, abilities):
        lines = [_cells(found, panel) for found in _by_row(rows)]
        sections += [f"## {heading}", grid(lines)]
        sections += ["\n".join(f"- {line}" for line in explained(a.number for a in panel))]
    sections += section(_by_row(rows), abilities)
    if differences:
        sections += [
            "## Differences between methods, over the same questions",
            DIFFERENCES,
            grid([_difference_cells(row, abilities) for row in differences]),
        ]
    return "\n\n".join(sections) + "\n"


def latex(rows: list[Row], abilities: dict[str, Ability], title: str) -> str:
    """Return Table 4 as a LaTeX `table` environment; intervals stand below the values."""
    panels = _panels(rows, abilities)
    width = max(len(panel) for _, panel in panels)
    lines = []
    for number, (heading, panel) in enumerate(panels):
        lines += [r"\midrule"] if number else []
        heads = [escape_tex(ability.number.measure) for ability in panel]
        lines += [tex_heading(heading, 2 + width), tex_line(["", "", *_filled(heads, width)])]
        for found in _by_row(rows):
            cells = [tex_estimate(ability, found[ability.key], NAMES) for ability in panel]
            values, bounds = (_filled(list(each), width) for each in zip(*cells, strict=True))
            first = next(iter(found.values()))
            names = [escape_tex(first["dataset"]), escape_tex(first["method"])]
            lines += [tex_line([*names, *values]), tex_line(["", "", *bounds])]
    body = tabular(f"ll{'r' * width}", ["Dataset", "Method", *[""] * width], lines)
    notes = [
        f"{panel[0].number.task}: {line}."
        for _, panel in panels
        for line in explained(ability.number for ability in panel)
    ]
    return tex_table(f"Table 4: {title}", f"Abilities: {title}", [r"\smallskip", *body], notes)


def explained(numbers: Iterable[AbilityKey]) -> list[str]:
    """Return a line for each number that is known: its name among its task's, and its meaning."""
    return [f"{number.measure}: {number.meaning}" for number in numbers if number.meaning]


def _filled(cells: list[str], width: int) -> list[str]:
    return cells + [""] * (width - len(cells))


def _panels(rows: list[Row], abilities: dict[str, Ability]) -> Panels:
    """Each task with its numbers, and how it was asked in words."""
    counts: dict[str, int] = {}
    for row in rows:  # of a row without this number 0
        counts[_key(row)] = max(row["n"], counts.get(_key(row), 0))
    found: Panels = []
    for task, each in groupby(abilities.values(), lambda a: (a.benchmark, a.number.task)):
        panel = list(each)
        found.append((f"{task[1]}: {counts[panel[0].key]} questions, {panel[0].asked}", panel))
    return found


def _by_row(rows: list[Row]) -> list[dict[str, Row]]:
    """The lines of each row of the table, by the number that they are of."""
    found = groupby(rows, lambda row: (row["dataset"], row["method"]))
    return [{_key(row): row for row in lines} for _, lines in found]


def _key(row: Row) -> str:
    return "/".join(row[name] for name in ("benchmark", "task", "metric", "filter"))


def _cells(found: dict[str, Row], panel: list[Ability]) -> dict[str, str]:
    first = next(iter(found.values()))
    cells = {name: str(first[name]) for name in ("dataset", "method", "seeds")}
    for ability in panel:
        row = found[ability.key]
        cells[ability.number.measure] = ability.estimate(row, NAMES)
        error = ability.text(row, "lm_eval_stderr")
        if error != NONE:
            cells[ability.number.measure] += f" ± {error}"
    return cells


def _difference_cells(row: Row, abilities: dict[str, Ability]) -> dict[str, str]:
    ability = abilities[_key(row)]
    return {
        "dataset": row["dataset"],
        "first − second": f"{row['method_a']} − {row['method_b']}",
        "metric": ability.label,
        **difference_texts(row, ability.digits),
    }
