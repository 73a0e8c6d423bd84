"""What a judge says of refusals beside what words say: agreement, and verdicts that say nothing."""

from collections.abc import Iterator

import numpy as np

from asft.config import Statistics
from asft.metrics import agreement_tables, cohens_kappa, interval, share_agreed
from asft.tables.columns import names_of, number
from asft.tables.table3_rows import Entry
from asft.tables.table4_columns import NAMES, Ability, Place
from asft.tables.text import NONE, Row, bracketed, grid, named

# What is made of answers that both have classified, and the ends of its scale.
MEASURES = {"agreement": (share_agreed, (0.0, 1.0)), "kappa": (cohens_kappa, (-1.0, 1.0))}
# Of numbers by a judge; without one Table 4 has no such columns.
CELLS = [*(n for name in MEASURES for n in names_of(name, name)[:3]), "n_compared", "not_readable"]
EXPLAINED = (
    "An answer is declined by words if it begins by saying so, by the judge if it is a full or a"
    " partial refusal. Agreement: share of answers of which both say the same; kappa: Cohen's, of"
    " these. Both are of as many answers as have a verdict that can be read; shares by the judge"
    " are over the questions that all rows have one of."
)


def add_agreement(
    rows: list[Row],
    entries: list[Entry],
    abilities: dict[str, Ability],
    statistics: Statistics,
) -> list[Row]:
    """Return the lines of the CSV with how far judge and words agree; without a judge as they are.

    agreement is a share, 0 to 1; n_compared counts answers with a readable verdict, not_readable
    those without, of all seeds.
    """
    if not any(ability.judged for ability in abilities.values()):
        return rows
    lines = []
    places = ((entry, key) for entry in entries for key in abilities)
    for row, (entry, key) in zip(rows, places, strict=True):
        cells: Row = dict.fromkeys(CELLS)
        if abilities[key].judged:
            cells |= _cells(entry, key, abilities, statistics)
        lines.append(row | cells)
    return lines


def _cells(entry: Entry, key: str, abilities: dict[str, Ability], statistics: Statistics) -> Row:
    """How far words agree with a judge's number; of one that words do not give, nothing."""
    words = words_of(abilities[key], abilities)
    if words is None:
        return {}
    known = entry.values[words.key]
    tables = agreement_tables(known, entry.values.get(key, np.full_like(known, np.nan)))
    compared = int(tables.sum())
    row: Row = {"n_compared": compared, "not_readable": known[..., 0].size - compared}
    if not compared:
        return row
    for name, (aggregate, ends) in MEASURES.items():
        found = interval(tables, aggregate, statistics, ends)
        values = (number(value) for value in found[:3])
        row |= dict(zip(names_of(name, name)[:3], values, strict=True))
    return row


def words_of(judged: Ability, abilities: dict[str, Ability]) -> Ability | None:
    """Return the number that words give of the same answers, where they do."""
    wanted = (judged.benchmark, judged.number[:2], judged.asked)
    for ability in abilities.values():
        known = (ability.benchmark, ability.number[:2], ability.asked)
        if not ability.judged and known == wanted:
            return ability
    return None


def judged_lines(
    rows: list[dict[Place, Row]], abilities: dict[str, Ability]
) -> Iterator[dict[str, str]]:
    """Yield the cells of a table that puts words and judge side by side, to read.

    Args:
        rows: the lines of each row of the table, by the number that they are of
    """
    lines = [row for found in rows for row in found.values()]
    for found in rows:
        for ability in abilities.values():
            words = words_of(ability, abilities) if ability.judged else None
            if words is None or ability.place not in found:
                continue
            row = found[ability.place]
            yield {
                **named(row, lines),
                **{name: str(row[name]) for name in ("dataset", "method")},
                "number": f"{ability.number.task} {ability.number.metric}",
                "by words": words.estimate(found[words.place], NAMES),
                "by judge": f"{ability.estimate(row, NAMES)} ({ability.number.filter})",
                "agreement": _bounded(row, "agreement"),
                "kappa": _bounded(row, "kappa"),
                "answers": str(row["n_compared"]),
                "not readable": str(row["not_readable"]),
            }


def _bounded(row: Row, name: str) -> str:
    value, low, high = (row[part] for part in names_of(name, name)[:3])
    if value is None:
        return NONE
    return f"{value:z.2f}" if low is None else f"{value:z.2f} {bracketed(low, high, 2)}"


def section(rows: list[dict[Place, Row]], abilities: dict[str, Ability]) -> list[str]:
    """Return the parts of Table 4 in Markdown that compare words and judge; none without one."""
    lines = list(judged_lines(rows, abilities))
    return ["## Refusals by words and by a judge", EXPLAINED, grid(lines)] if lines else []
