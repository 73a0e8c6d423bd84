"""The paper's three tables for the front page: ours, the interval, the paper's, and a way to the
samples behind each number. Values come from the tables' CSV files as they stand there.
"""

from pathlib import Path

from asft.config import Config, table2_columns
from asft.report.cells import (
    NONE,
    HtmlCell,
    HtmlTable,
    Row,
    bounds,
    fixed,
    heads,
    judged_column,
    judged_key,
    key_of,
    number_heads,
    read_rows,
    samples_link,
)
from asft.tables import FAMILIES, shown_paper_columns
from asft.tables import LABELS as METRIC_LABELS

PAPER_LABELS = {
    "arena_hard": "paper",
    "mt_bench_gpt4_turbo": "paper, GPT-4 Turbo",
    "mt_bench_gpt4": "paper, GPT-4",
}


def table1(results: Path) -> HtmlTable:
    """The judged benchmarks at a glance."""
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
    """Win rates and ratings, the controls last; a refused cell is a dash with its reason."""
    rows = read_rows(results / "table2.csv")
    columns = table2_columns(config)
    head = heads("Method")
    for benchmark, judge in columns:
        kind = "win rate, %" if judged_column(config, benchmark, judge).pairwise else "rating"
        head.append(HtmlCell(f"{benchmark}", below=f"{kind}, by {judge}", number=True))
    head += number_heads("Tokens", "Seeds")
    lines = []
    for row in rows:
        line = [HtmlCell(row["method"], method=row["method"])]
        line += [_table2_cell(config, row, *column) for column in columns]
        tokens = row.get("avg_tokens") or row.get(f"{columns[0][0]}_avg_tokens")
        link = _table2_link(config, row, *columns[0])
        line.append(HtmlCell(fixed(tokens, 0), link=link, number=True))
        lines.append([*line, HtmlCell(row["seeds"], link=link, number=True)])
    remark = "Win rates against the baseline's answers, and mean ratings (1–10) of both turns."
    return HtmlTable("Table 2", remark, head, lines, ("table2.csv", "table2.differences.csv"))


def table2_notes(results: Path) -> list[str]:
    """What the table refused to say, and where a control fooled the judge."""
    rows = read_rows(results / "table2.csv")
    warnings = [text for row in rows for text in row.get("warning", "").split("; ") if text]
    refusals = [f"{row['method']}: {row['refused']}" for row in rows if row.get("refused")]
    return warnings + refusals


def table3(results: Path, config: Config) -> list[HtmlTable]:
    """Reference metrics, one table per family; the paper's values stand in their own family."""
    rows = read_rows(results / "table3.csv")
    benchmark = config.tables.table3.benchmark
    tables = []
    for prefix, title in FAMILIES.items():
        head = heads("Data set", "Method") + number_heads(*METRIC_LABELS.values())
        head += number_heads("Tokens", "n", "Seeds")
        lines = []
        for row in rows:
            line = [HtmlCell(row["dataset"]), HtmlCell(row["method"], method=row["method"])]
            line += [_table3_cell(config, row, prefix, metric) for metric in METRIC_LABELS]
            link = samples_link(benchmark, m=key_of(config, row["dataset"], row["method"]))
            counts = (fixed(row["avg_tokens"], 1), row["n"], row["seeds"])
            lines.append([*line, *(HtmlCell(count, link=link, number=True) for count in counts)])
        files = ("table3.csv", "table3.differences.csv")
        tables.append(HtmlTable("Table 3", f"{title}.", head, lines, files))
    return tables


def _table2_cell(config: Config, row: Row, benchmark: str, judge: str) -> HtmlCell:
    column = judged_column(config, benchmark, judge)
    digits = 1 if column.pairwise else 2
    return HtmlCell(
        fixed(row.get(column.headline), digits),
        bounds(row, column.prefix, digits),
        "; ".join(
            f"{PAPER_LABELS[name]} {fixed(row[f'paper_{name}'], digits)}"
            for name in shown_paper_columns(benchmark, [config.judges[judge].model])
            if row.get(f"paper_{name}")
        ),
        _table2_link(config, row, benchmark, judge),
        number=True,
        warn=column.prefix in row["fools"].split(),
    )


def _table2_link(config: Config, row: Row, benchmark: str, judge: str) -> str:
    return samples_link(benchmark, m=judged_key(config, row["method"]), s=judge)


def _table3_cell(config: Config, row: Row, prefix: str, metric: str) -> HtmlCell:
    name = prefix + metric
    key = key_of(config, row["dataset"], row["method"])
    return HtmlCell(
        fixed(row[name], 2),
        bounds(row, name, 2),
        _paper(fixed(row[f"paper_{metric}"], 2) if prefix and row.get(f"paper_{metric}") else ""),
        samples_link(config.tables.table3.benchmark, m=key, s=name),
        number=True,
    )


def _paper(value: str) -> str:
    return f"paper {value}" if value else ""
