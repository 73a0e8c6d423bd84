"""Table 2's rows: what each panel says of each method, what it refuses to say, and warnings."""

from collections.abc import Collection, Iterator, Mapping
from itertools import combinations
from typing import Any, NamedTuple

from asft.config import Statistics
from asft.metrics import Judged
from asft.tables import paper
from asft.tables.agreement import Summary
from asft.tables.columns import interval_cells
from asft.tables.families import beside_others
from asft.tables.panels import Entry, Panel, columns_at_end, judge_label
from asft.tables.table2_columns import ByMethod, JudgedColumn
from asft.tables.table2_trust import distrusted, fools, judge_note, warnings
from asft.tables.text import Row


class Table(NamedTuple):
    """The content of Table 2; a row holds what a line of the CSV does.

    `notes` say who judged a panel and by which rules, `distrust` why its values say nothing of
    quality, where that is so.
    """

    entries: list[Entry]
    panels: list[Panel]
    rows: list[Row]
    differences: list[Row]
    notes: Mapping[Panel, str] = {}
    distrust: Mapping[Panel, str] = {}


def build(
    entries: list[Entry],
    statistics: Statistics,
    min_coverage: float,
    agreements: Mapping[tuple[str, str], Summary],
) -> Table:
    """Return Table 2's rows and differences; a cell with too little coverage has no headline.

    Args:
        agreements: of judges with published verdicts, by (benchmark, judge).
    """
    panels = list(entries[0].cells)
    notes = {p: judge_note(entries, p, agreements.get(p[:2])) for p in panels}
    rows: list[Row] = [{"method": entry.method, "seeds": len(entry.seeds)} for entry in entries]
    reasons: list[list[str]] = [[] for _ in rows]
    refused: set[tuple[str, Panel]] = set()
    for panel in panels:
        why = _refusals(entries, panel, min_coverage)
        refused |= {(method, panel) for method in why}
        found = list(_values(entries, panel, why))
        for entry, row, missing in zip(entries, rows, reasons, strict=True):
            judged, reason = entry.cells[panel], why.get(entry.method, "")
            missing += [f"{panel.headline}: {reason}"] if reason else []
            row |= dict.fromkeys(panel.names)
            if not reason:
                row |= interval_cells(panel.names, judged.interval(statistics))
            for column, values in found:
                value, name = values.get(entry.method), panel.named(column.key)
                missing += [f"{name}: {value}"] if isinstance(value, str) else []
                row |= column.cells(name, None if isinstance(value, str) else value)
            row |= _counts(panel, judged) | _about_judge(entries, panel, judged, notes[panel])
    ends = columns_at_end(panels)
    for entry, row, missing in zip(entries, rows, reasons, strict=True):
        row |= _at_end(entry, ends) | _published(entry.method) | {"refused": "; ".join(missing)}
    base = next((row for row in rows if row["method"] == "base"), None)
    for entry, row in zip(entries, rows, strict=True):
        fooled = [p for p in panels if entry.is_control and fools(row, base, p)]
        row["fools"] = " ".join(panel.prefix for panel in fooled)
        row["warning"] = "; ".join(warnings(row, base, panels) if entry.is_control else [])
    distrust = dict(distrusted(rows, panels, agreements))
    for row in rows:
        row |= {panel.named("distrust"): why for panel, why in distrust.items()}
    differences = list(_differences(entries, panels, refused, statistics))
    return Table(entries, panels, rows, differences, notes, distrust)


def _refusals(entries: list[Entry], panel: Panel, min_coverage: float) -> dict[str, str]:
    """Why a panel shows no value, by method; nothing of those that it shows."""
    found = {}
    for entry in entries:
        judged = entry.cells[panel]
        asked, scored = judged.content.n_asked, judged.content.n_scored
        counts = f"{scored} of {asked} {judged.facts.unit} scored"
        if scored < min_coverage * asked:
            found[entry.method] = f"{counts}, less than the required {100 * min_coverage:g} %"
        elif judged.n_questions_scored < 2:
            found[entry.method] = f"{counts}; an interval needs at least 2 questions"
    return found


def _values(
    entries: list[Entry], panel: Panel, refused: Collection[str]
) -> Iterator[tuple[JudgedColumn, ByMethod]]:
    """The panel's columns beside the headline, each with its values by method."""
    cells = {entry.method: entry.cells[panel] for entry in entries}
    controls = {entry.method for entry in entries if entry.is_control}
    compared = {name: x for name, x in cells.items() if name not in {*refused, *controls}}
    for column in panel.block.columns:
        if column.of == "contestants":
            yield column, column.values(compared) if compared else {}
        elif column.of == "scored":
            values = column.values(cells)
            if column.rare and not any(value is not None for value in values.values()):
                continue
            yield column, values | {name: _emptied(values[name]) for name in refused}


def _emptied(value: Any) -> Any:
    """No value; of means their names remain."""
    return dict.fromkeys(value) if isinstance(value, dict) else None


def _counts(panel: Panel, judged: Judged) -> Row:
    asked, scored = judged.content.n_asked, judged.content.n_scored
    return {panel.named("n"): asked, panel.named("n_unscored"): asked - scored}


def _about_judge(entries: list[Entry], panel: Panel, judged: Judged, note: str) -> Row:
    said = "; ".join(filter(None, [note, judged.remark]))
    return {panel.named("judge"): judge_label(entries, panel), panel.named("judge_note"): said}


def _at_end(entry: Entry, ends: list[tuple[Panel, JudgedColumn]]) -> Row:
    """What does not rest on the verdicts that count; named by the panel if several have one."""
    row: Row = {}
    for panel, column in ends:
        several = sum(other.key == column.key for _, other in ends) > 1
        name = panel.named(column.key) if several else column.key
        values = column.values({entry.method: entry.cells[panel]})
        row |= column.cells(name, values[entry.method])
    return row


def _published(method: str) -> Row:
    values = paper.TABLE2.get(method, (None,) * len(paper.TABLE2_COLUMNS))
    names = [f"paper_{name}" for name in paper.TABLE2_COLUMNS]
    return dict(zip(names, values, strict=True))


def _differences(
    entries: list[Entry],
    panels: list[Panel],
    refused: Collection[tuple[str, Panel]],
    statistics: Statistics,
) -> Iterator[Row]:
    """Every pair of contestants, in every panel that shows both."""
    for panel in panels:
        shown = [e for e in entries if not e.is_control and (e.method, panel) not in refused]
        pairs = list(combinations(shown, 2))
        found = [a.cells[panel].difference(b.cells[panel], statistics) for a, b in pairs]
        names = [(a.method, b.method) for a, b in pairs]
        beside = beside_others(names, [one for one, _ in found], statistics)
        headline = panel.block.headline
        for (first, second), (one, n), other in zip(pairs, found, beside, strict=True):
            yield {
                "benchmark": panel.benchmark,
                "judge": panel.judge,
                "method_a": first.method,
                "method_b": second.method,
                **headline.difference(one),
                "n": n,
                "seeds": max(len(first.seeds), len(second.seeds)),
                **headline.corrected(other),
            }
