"""The paper's three tables for the front page: ours, the interval, and the paper's.

From each number a link leads to the samples behind it. Values come from the tables' CSV files as
they stand there.
"""

from pathlib import Path

from asft.config import Config, table2_columns
from asft.report.cells import (
    NONE,
    HtmlCell,
    HtmlTable,
    Row,
    bounds,
    heads,
    judged_column,
    judged_key,
    key_of,
    number_heads,
    read_rows,
    samples_link,
)
from asft.tables import (
    FAMILIES,
    JudgedColumn,
    MetricColumn,
    Panel,
    columns_at_end,
    explain_dropped,
    family_columns,
    shown_paper_columns,
)

PAPER_LABELS = {
    "arena_hard": "paper",
    "mt_bench_gpt4_turbo": "paper, GPT-4 Turbo",
    "mt_bench_gpt4": "paper, GPT-4",
}


def table1(results: Path) -> HtmlTable:
    """Return Table 1: the judged benchmarks at a glance."""
    rows = []
    for row in read_rows(results / "table1.csv"):
        link = samples_link(row["benchmark"])
        published = row.get("paper_examples", "")
        rows.append(
            [
                HtmlCell(row["benchmark"], link=link),
                HtmlCell(row["examples"], paper=_paper(published), link=link, number=True),
                HtmlCell(row.get("categories", ""), link=link, number=True),
                HtmlCell(row["baseline"] or NONE, paper=_paper(row.get("paper_baseline", ""))),
                HtmlCell(row["judge"], paper=_paper(row.get("paper_judge", ""))),
                HtmlCell(row["scoring_type"]),
                HtmlCell(row["metric"]),
            ]
        )
    head = heads("Benchmark") + number_heads("Examples", "Categories")
    head += heads("Baseline", "Judge", "Scoring", "Metric")
    return HtmlTable(
        "Table 1", "The judged benchmarks; examples are counted.", head, rows, ("table1.csv",)
    )


def table2(results: Path, config: Config) -> HtmlTable:
    """Return Table 2: win rates and ratings, the controls last.

    A refused cell is a dash with its reason.
    """
    panels = [judged_column(config, *named) for named in table2_columns(config)]
    beside = {p: [c for c in p.block.columns if c.page and c.of != "all"] for p in panels}
    ends = [(panel, column) for panel, column in columns_at_end(panels) if column.page]
    head = heads("Method")
    for panel, columns in beside.items():
        for column in (panel.block.headline, *columns):
            below = f"{column.page}, by {panel.judge}"
            head.append(HtmlCell(panel.benchmark, below=below, number=True))
    head += number_heads(*(column.page for _, column in ends), "Seeds")
    lines = []
    for row in read_rows(results / "table2.csv"):
        line = [HtmlCell(row["method"], method=row["method"])]
        for panel, columns in beside.items():
            line.append(_headline(config, row, panel))
            line += [_beside(config, row, panel, column) for column in columns]
        line += [_beside(config, row, panel, column) for panel, column in ends]
        link = _table2_link(config, row, panels[0])
        lines.append([*line, HtmlCell(row["seeds"], link=link, number=True)])
    remark = "Win rates against the baseline's answers, and mean ratings (1–10) of all turns."
    return HtmlTable("Table 2", remark, head, lines, ("table2.csv", "table2.differences.csv"))


def table2_notes(results: Path, config: Config) -> list[str]:
    """List whose verdicts not to trust, and why; what Table 2 refused to say."""
    rows = read_rows(results / "table2.csv")
    panels = [judged_column(config, *named) for named in table2_columns(config)]
    distrust = [
        f"† Do not trust the values on {panel.benchmark} by {panel.judge}: {why}."
        for panel in panels
        if rows and (why := rows[0].get(panel.named("distrust")))
    ]
    warnings = [text for row in rows for text in row.get("warning", "").split("; ") if text]
    refusals = [f"{row['method']}: {row['refused']}" for row in rows if row.get("refused")]
    return distrust + warnings + refusals


def table3(results: Path, config: Config) -> list[HtmlTable]:
    """Return Table 3: reference metrics, one table per family.

    The paper's values stand in their own family.
    """
    rows = read_rows(results / "table3.csv")
    tables = []
    for family, title in FAMILIES.items():
        columns = [column for column in family_columns(family) if column.page]
        head = heads("Data set", "Method")
        head += number_heads(*(column.page for column in columns), "n", "Seeds")
        lines = []
        for row in rows:
            line = [HtmlCell(row["dataset"]), HtmlCell(row["method"], method=row["method"])]
            line += [_table3_cell(config, row, column) for column in columns]
            link = _table3_link(config, row)
            counts = (row["n"], row["seeds"])
            lines.append([*line, *(HtmlCell(count, link=link, number=True) for count in counts)])
        files = ("table3.csv", "table3.differences.csv")
        remark = f"{title}. {explain_dropped(rows[0]) if family == 'plain' else ''}".rstrip()
        tables.append(HtmlTable("Table 3", remark, head, lines, files))
    return tables


def _headline(config: Config, row: Row, panel: Panel) -> HtmlCell:
    column = panel.block.headline
    distrusted = bool(row.get(panel.named("distrust")))
    return HtmlCell(
        column.text(row, panel.headline) + (" †" if distrusted else ""),
        bounds(row, panel.prefix, column.digits),
        "; ".join(
            f"{PAPER_LABELS[name]} {column.text(row, f'paper_{name}')}"
            for name in shown_paper_columns(panel.benchmark, [config.judges[panel.judge].model])
            if row.get(f"paper_{name}")
        ),
        _table2_link(config, row, panel),
        number=True,
        warn=distrusted or panel.prefix in row["fools"].split(),
    )


def _beside(config: Config, row: Row, panel: Panel, column: JudgedColumn) -> HtmlCell:
    text = column.text(row, panel.name(column, row))
    return HtmlCell(text, link=_table2_link(config, row, panel), number=True)


def _table2_link(config: Config, row: Row, panel: Panel) -> str:
    return samples_link(panel.benchmark, m=judged_key(config, row["method"]), s=panel.judge)


def _table3_cell(config: Config, row: Row, column: MetricColumn) -> HtmlCell:
    published = column.text(row, f"paper_{column.paper}", "") if column.paper else ""
    return HtmlCell(
        column.text(row, column.key),
        bounds(row, column.key, column.digits),
        _paper(published),
        _table3_link(config, row, column.key if column.sample else ""),
        number=True,
    )


def _table3_link(config: Config, row: Row, measure: str = "") -> str:
    key = key_of(config, row["dataset"], row["method"])
    return samples_link(config.tables.table3.benchmark, m=key, s=measure)


def _paper(value: str) -> str:
    return f"paper {value}" if value else ""
