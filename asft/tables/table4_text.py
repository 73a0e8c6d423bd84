"""Table 4 as Markdown and LaTeX: a panel for each task, a row for each data set and method.

Rows of several base models have a column, or heading, of it.
"""

from collections.abc import Iterable
from itertools import groupby

from asft.metrics import AbilityKey
from asft.tables.latex import escape_tex, tabular, tex_estimate, tex_heading, tex_line, tex_table
from asft.tables.table4_columns import (
    NAMES,
    Ability,
    Place,
    ability_digits,
    place_of,
)
from asft.tables.table4_judged import section
from asft.tables.text import DIFFERENCES, NONE, Row, difference_texts, grid, named

Found = dict[Place, Row]  # the lines of the CSV that are one row here
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
        lines = [named(_first(x), rows) | _cells(x, panel) for x in _by_row(rows, panel)]
        sections += [f"## {heading}", grid(lines)]
        sections += ["\n".join(f"- {line}" for line in explained(a.number for a in panel))]
    sections += section(_by_row(rows, abilities.values()), abilities)
    if differences:
        sections += [
            "## Differences between methods, over the same questions",
            DIFFERENCES,
            grid([named(row, differences) | _difference_cells(row) for row in differences]),
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
        for model, of_model in groupby(_by_row(rows, panel), lambda x: _first(x)["model"]):
            if len({row["model"] for row in rows}) > 1:
                lines.append(tex_heading(model, 2 + width))
            for found in of_model:
                lines += _tex_lines(found, panel, width)
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


def _tex_lines(found: Found, panel: list[Ability], width: int) -> list[str]:
    """Values, and their intervals below."""
    cells = [
        tex_estimate(ability, found[ability.place], NAMES) if ability.place in found else ("", "")
        for ability in panel
    ]
    values, bounds = (_filled(list(each), width) for each in zip(*cells, strict=True))
    names = [escape_tex(_first(found)[name]) for name in ("dataset", "method")]
    return [tex_line([*names, *values]), tex_line(["", "", *bounds])]


def _filled(cells: list[str], width: int) -> list[str]:
    return cells + [""] * (width - len(cells))


def _panels(rows: list[Row], abilities: dict[str, Ability]) -> Panels:
    """Each task with its numbers; in words how many questions it has and how it was asked."""
    tasks: dict[tuple[str, str, str], list[Ability]] = {}
    for each in abilities.values():
        tasks.setdefault((each.benchmark, each.number.task, each.asked), []).append(each)
    found: Panels = []
    for (_, task, asked), panel in tasks.items():
        most: dict[str, int] = {}  # by model; a number may have fewer than its task's others
        for row in (row for lines in _by_row(rows, panel) for row in lines.values()):
            most[row["model"]] = max(row["n"], most.get(row["model"], 0))
        questions = " or ".join(map(str, sorted(set(most.values()))))
        found.append((f"{task}: {questions} questions, {asked}", panel))
    return found


def _by_row(rows: list[Row], abilities: Iterable[Ability]) -> list[Found]:
    """The lines that are of these numbers, by the row of the table that they stand in."""
    places = {ability.place for ability in abilities}
    found = groupby(rows, lambda row: (row["model"], row["dataset"], row["method"]))
    lines = [{place_of(row): row for row in group} for _, group in found]
    shown = [{place: row for place, row in each.items() if place in places} for each in lines]
    return [each for each in shown if each]


def _first(found: Found) -> Row:
    return next(iter(found.values()))


def _cells(found: Found, panel: list[Ability]) -> dict[str, str]:
    cells = {name: str(_first(found)[name]) for name in ("dataset", "method", "seeds")}
    for ability in panel:
        row = found.get(ability.place)
        cells[ability.number.measure] = _cell(ability, row) if row else NONE
    return cells


def _cell(ability: Ability, row: Row) -> str:
    error = ability.text(row, "lm_eval_stderr", "")
    return ability.estimate(row, NAMES) + (f" ± {error}" if error else "")


def _difference_cells(row: Row) -> dict[str, str]:
    return {
        "dataset": row["dataset"],
        "first − second": f"{row['method_a']} − {row['method_b']}",
        "metric": AbilityKey.of(row).words,
        **difference_texts(row, ability_digits(row["unit"])),
    }
