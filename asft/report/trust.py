"""The tables of how far the judges can be trusted, for the front page."""

from pathlib import Path

from asft.config import Config, agreement_file, table2_columns
from asft.config import agreements as measured
from asft.report.cells import (
    HtmlCell,
    HtmlTable,
    Row,
    heads,
    judged_column,
    judged_key,
    number_heads,
    read_rows,
    samples_link,
)
from asft.tables import (
    JudgedColumn,
    Panel,
    agreement_fault,
    columns_at_end,
    measure_cells,
    read_agreement,
)

SWAPPED = "swap_consistency"  # below 1 there are samples whose two games disagree


def trust(results: Path, config: Config) -> HtmlTable:
    """Return the table of how far judges can be trusted: controls against base, coverage, habits.

    Habits are about the order in which a judge sees two answers.
    """
    panels = [judged_column(config, *named) for named in table2_columns(config)]
    head = heads("Answers of")
    for panel in panels:
        head.append(HtmlCell(panel.benchmark, below=f"by {panel.judge}", number=True))
        head.append(HtmlCell("Verdicts", number=True))
    habits = [(panel, column) for panel, column in columns_at_end(panels) if column.habit]
    head += number_heads(*(column.habit for _, column in habits))
    lines = []
    for row in read_rows(results / "table2.csv"):
        line = [HtmlCell(row["method"], method=row["method"])]
        key = judged_key(config, row["method"])
        for panel in panels:
            fooled = panel.prefix in row["fools"].split()
            n, lost = (int(row[panel.named(key)]) for key in ("n", "n_unscored"))
            benchmark, state = panel.benchmark, {"m": key, "s": panel.judge}
            line += [
                HtmlCell(
                    panel.block.headline.text(row, panel.headline),
                    "at or above base" if fooled else "",
                    link=samples_link(benchmark, **state),
                    number=True,
                    warn=fooled,
                ),
                HtmlCell(
                    f"{n - lost}/{n}",
                    link=samples_link(benchmark, **state, o="none" if lost else ""),
                    number=True,
                ),
            ]
        lines.append([*line, *(_habit(row, key, *place) for place in habits)])
    return HtmlTable("Judges", "", head, lines)


def agreements(results: Path, config: Config) -> HtmlTable | None:
    """Return the table of how far judges agree with published verdicts; None without any."""
    lines, head = [], heads("Judge", "Asked as on", "Published by")
    for benchmark, judge in measured(config):
        path = agreement_file(judge)
        found = read_agreement(results / path)
        cells = measure_cells(found)
        head = head[:3] + number_heads("Pairs", *(name[0].upper() + name[1:] for name, *_ in cells))
        line = [HtmlCell(judge, found["judge"]), HtmlCell(benchmark)]
        line.append(HtmlCell(found["published"]["judge"]))
        link = f"files/{path.removesuffix('json')}"
        line.append(HtmlCell(f"{found['judged']}", link=f"{link}csv", number=True))
        faulty = bool(agreement_fault(found))
        for number, (_, value, interval) in enumerate(cells):
            warn = faulty and not number
            line.append(HtmlCell(value, interval, link=f"{link}json", number=True, warn=warn))
        lines.append(line)
    return HtmlTable("Agreement with published verdicts", "", head, lines) if lines else None


def _habit(row: Row, key: str, panel: Panel, column: JudgedColumn) -> HtmlCell:
    """What the judge does whoever answers, e.g. how often it kept its word in the other order."""
    name = panel.name(column, row)
    split = column.key == SWAPPED and row.get(name) and float(row[name]) < 1
    link = samples_link(panel.benchmark, m=key, s=panel.judge, o="split" if split else "")
    return HtmlCell(column.text(row, name), link=link, number=True)
