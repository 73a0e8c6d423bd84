"""Differences between two methods for the front page: ours, and the paper's own.

Ours are over the same questions, with what these allow to say.
"""

from collections import Counter
from pathlib import Path

from asft.config import BASE, Config
from asft.metrics import AbilityKey
from asft.report import abilities
from asft.report.cells import (
    NONE,
    HtmlCell,
    HtmlTable,
    Row,
    fixed,
    heads,
    judged_key,
    key_of,
    number_heads,
    read_rows,
    samples_link,
)
from asft.tables import estimate_columns, explain_verdict, headlines, p_text, signed

PAIRED = (
    "First minus second over the same questions; each alone, and beside it what is left when those"
    " with a baseline are corrected for their number (Holm)."
)
PUBLISHED = (
    "The paper gives no intervals: these are the widest that its means allow, with a correlation of"
    " 0.5 between two methods. Correlation needed: where the difference would begin to stand out."
)
COLUMN_LABELS = {
    "arena_hard": "Arena-Hard",
    "mt_bench_gpt4_turbo": "MT-Bench, GPT-4 Turbo",
    "mt_bench_gpt4": "MT-Bench, GPT-4",
}


def table3(results: Path, config: Config) -> HtmlTable:
    """Return the paired differences of Table 3, as a table of the front page."""
    benchmark = config.tables.table3.benchmark
    lines, file = [], "table3.differences.csv"
    rows, remark = _with_baseline(read_rows(results / file), "dataset")
    for row in rows:
        keys = [key_of(config, row["dataset"], row[f"method_{end}"]) for end in "ab"]
        link = samples_link(benchmark, m=keys[0], v=keys[1], s=row["metric"])
        digits = estimate_columns()[row["metric"]].digits
        lines.append([HtmlCell(row["dataset"]), *_difference(row, row["metric"], link, digits)])
    return HtmlTable("Differences in Table 3", remark, _difference_head("Data set"), lines, (file,))


def table2(results: Path, config: Config) -> HtmlTable:
    """Return the paired differences of Table 2, as a table of the front page."""
    lines, file = [], "table2.differences.csv"
    rows, remark = _with_baseline(read_rows(results / file), "benchmark", "judge")
    for row in rows:
        benchmark, column = row["benchmark"], headlines()[row["metric"]]
        keys = [judged_key(config, row[f"method_{end}"]) for end in "ab"]
        link = samples_link(benchmark, m=keys[0], v=keys[1], s=row["judge"])
        metric = f"{column.label} by {row['judge']}"
        lines.append([HtmlCell(benchmark), *_difference(row, metric, link, column.digits)])
    head = _difference_head("Benchmark")
    return HtmlTable("Differences in Table 2", remark, head, lines, (file,))


def table4(results: Path, config: Config) -> HtmlTable:
    """Return the paired differences of Table 4, as a table of the front page."""
    lines, file = [], "table4.differences.csv"
    rows, remark = _with_baseline(read_rows(results / file), "dataset")
    for row in rows:
        keys = [key_of(config, row["dataset"], row[f"method_{end}"]) for end in "ab"]
        link = abilities.link(row, m=keys[0], v=keys[1])
        words, digits = AbilityKey.of(row).words, abilities.digits_of(row)
        lines.append([HtmlCell(row["dataset"]), *_difference(row, words, link, digits)])
    head = _difference_head("Data set")
    return HtmlTable("Differences in Table 4", remark, head, lines, (file,))


def published(results: Path) -> HtmlTable:
    """Return the paper's own differences, as far as its numbers of questions allow to tell."""
    lines = [
        [
            HtmlCell(COLUMN_LABELS[row["column"]]),
            *_difference(row, f"correlation needed {fixed(row['correlation_needed'], 3)}", "", 2),
        ]
        for row in read_rows(results / "table2.paper.csv")
    ]
    title = "The paper's own differences"
    return HtmlTable(title, PUBLISHED, _difference_head("Column"), lines, ("table2.paper.csv",))


def _with_baseline(rows: list[Row], *columns: str) -> tuple[list[Row], str]:
    """The pairs with a baseline, and the remark that names it and counts all pairs.

    The baseline of the rows that agree in `columns` is the untrained policy; without it, the first
    method. So the page grows with the methods, not with their square.
    """
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[column] for column in columns), []).append(row)
    kept, baselines = [], []
    for group in groups.values():
        pairs = [(row["method_a"], row["method_b"]) for row in group]
        baseline = BASE if any(BASE in pair for pair in pairs) else pairs[0][0]
        kept += [row for row, pair in zip(group, pairs, strict=True) if baseline in pair]
        baselines.append(baseline)
    names = " or ".join(dict.fromkeys(baselines))
    return kept, f"Pairs with {names}. All {len(rows)}, in the file below: {_counts(rows)} {PAIRED}"


def _counts(rows: list[Row]) -> str:
    """How often each verdict was given, the most frequent first."""
    found = Counter(row["verdict"] for row in rows).most_common()
    return ", ".join(f"{count} {verdict}" for verdict, count in found) + "."


def _difference_head(first: str) -> list[HtmlCell]:
    words = heads(first, "First − second", "Metric")
    return [*words, *number_heads("Difference", "p", "n"), *heads("First is", "Corrected")]


def _difference(row: Row, metric: str, link: str, digits: int) -> list[HtmlCell]:
    names = f"{row['method_a']} − {row['method_b']}"
    difference = signed(float(row["difference"]), digits) if row["difference"] else NONE
    low, high, p = row["low"], row["high"], row["p_value"]
    spread = f"{fixed(low, digits)} to {fixed(high, digits)}" if low and high else ""
    return [
        HtmlCell(names),
        HtmlCell(metric),
        HtmlCell(difference, spread, link=link, number=True),
        HtmlCell(p_text(float(p)) if p else NONE, link=link, number=True),
        HtmlCell(row["n"], link=link, number=True),
        HtmlCell(explain_verdict(row)),
        _corrected(row, digits),
    ]


def _corrected(row: Row, digits: int) -> HtmlCell:
    if not row.get("compared"):
        return HtmlCell(NONE)
    p, low, high = row["p_holm"], row["low_simultaneous"], row["high_simultaneous"]
    bounds = f"; {fixed(low, digits)} to {fixed(high, digits)}" if low and high else ""
    beside = f"p {p_text(float(p))}, of {row['compared']}{bounds}" if p else ""
    return HtmlCell(row["verdict_corrected"], beside)
