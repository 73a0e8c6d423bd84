"""How far the judges of Table 2 can be trusted: controls, and published verdicts."""

from collections.abc import Iterator, Mapping, Sequence

from asft.tables.agreement import Summary, agreement_fault, agreement_note
from asft.tables.panels import Entry, Panel, panel_note
from asft.tables.text import Row


def judge_note(entries: Sequence[Entry], panel: Panel, agreement: Summary | None) -> str:
    """Return the note of a panel, with what published verdicts say of its judge."""
    measured = f"it {agreement_note(agreement)}" if agreement else ""
    return "; ".join(filter(None, [panel_note(entries, panel), measured]))


def fools(row: Row, base: Row | None, panel: Panel) -> bool:
    """Tell whether a control scores at or above the base policy."""
    ours, theirs = row[panel.headline], base[panel.headline] if base else None
    return ours is not None and theirs is not None and bool(ours >= theirs)


def warnings(row: Row, base: Row | None, panels: list[Panel]) -> Iterator[str]:
    """Yield where a control scores at or above the base policy, or has no score at all."""
    for panel in panels:
        ours = row[panel.headline]
        if ours is None:
            yield (
                f"{row['method']} was not scored on {panel.benchmark} by judge {panel.judge}:"
                " whether it fools this judge is not known"
            )
        elif base and fools(row, base, panel):
            yield (
                f"{row['method']} scores {ours:.2f} on {panel.benchmark} by judge {panel.judge},"
                f" at or above base ({base[panel.headline]:.2f}): this judge can be fooled,"
                " do not trust this column"
            )


def distrusted(
    rows: list[Row], panels: list[Panel], agreements: Mapping[tuple[str, str], Summary]
) -> Iterator[tuple[Panel, str]]:
    """Yield panels whose values say nothing of quality, and why: controls, or agreement."""
    for panel in panels:
        fooling = [row["method"] for row in rows if panel.prefix in row["fools"].split()]
        score = "scores" if len(fooling) == 1 else "score"
        reasons = [f"{', '.join(fooling)} {score} at or above base"] if fooling else []
        if found := agreements.get(panel[:2]):
            reasons += filter(None, [agreement_fault(found)])
        if reasons:
            yield panel, "; ".join(reasons)
