"""The paper's three tables for the front page: ours, the interval, the paper's, and a way to the
samples behind each number. Values come from the tables' CSV files as they stand there.
"""

from pathlib import Path

from asft import experiment, paper
from asft.config import Config
from asft.experiment import BASE, Run
from asft.rendering import FAMILIES
from asft.rendering import LABELS as METRIC_LABELS
from asft.report.cells import (
    NONE,
    Cell,
    Row,
    Table,
    bounds,
    fixed,
    heads,
    number_heads,
    read_rows,
    samples_link,
)

PAPER_LABELS = {
    "arena_hard": "paper",
    "mt_bench_gpt4_turbo": "paper, GPT-4 Turbo",
    "mt_bench_gpt4": "paper, GPT-4",
}
PAIRED = "First minus second over the same questions; nothing is corrected for their number."
PUBLISHED = (
    "The paper gives no intervals: these are the widest that its means allow, with a correlation of"
    " 0.5 between two methods. Correlation needed: where the difference would begin to stand out."
)
COLUMN_LABELS = {
    "arena_hard": "Arena-Hard",
    "mt_bench_gpt4_turbo": "MT-Bench, GPT-4 Turbo",
    "mt_bench_gpt4": "MT-Bench, GPT-4",
}


def table1(results: Path) -> Table:
    """The judged benchmarks at a glance."""
    rows = []
    for row in read_rows(results / "table1.csv"):
        link = samples_link(row["benchmark"])
        published = row.get("paper_examples", "")
        rows.append(
            [
                Cell(row["benchmark"], link=link),
                Cell(row["examples"], paper=_paper(published), number=True),
                Cell(row.get("categories", ""), number=True),
                Cell(row["baseline"] or NONE, paper=_paper(row.get("paper_baseline", ""))),
                Cell(row["judge"], paper=_paper(row.get("paper_judge", ""))),
                Cell(row["scoring_type"]),
                Cell(row["metric"]),
            ]
        )
    head = heads("Benchmark") + number_heads("Examples", "Categories")
    head += heads("Baseline", "Judge", "Scoring", "Metric")
    return Table(
        "Table 1", "The judged benchmarks; examples are counted.", head, rows, ("table1.csv",)
    )


def table2(results: Path, config: Config) -> Table:
    """Win rates and ratings, the controls last; a refused cell is a dash with its reason."""
    rows = read_rows(results / "table2.csv")
    columns = experiment.table2_columns(config)
    head = heads("Method")
    for benchmark, judge in columns:
        kind = "win rate, %" if _pairwise(config, benchmark) else "rating"
        head.append(Cell(f"{benchmark}", below=f"{kind}, by {judge}", number=True))
    head += number_heads("Tokens", "Seeds")
    lines = []
    for row in rows:
        line = [Cell(row["method"], method=row["method"])]
        line += [_table2_cell(config, row, *column) for column in columns]
        tokens = row.get("avg_tokens") or row.get(f"{columns[0][0]}_avg_tokens")
        lines.append([*line, Cell(fixed(tokens, 0), number=True), Cell(row["seeds"], number=True)])
    remark = "Win rates against the baseline's answers, and mean ratings (1–10) of both turns."
    return Table("Table 2", remark, head, lines, ("table2.csv", "table2.differences.csv"))


def table2_notes(results: Path) -> list[str]:
    """What the table refused to say, and where a control fooled the judge."""
    rows = read_rows(results / "table2.csv")
    warnings = [text for row in rows for text in row.get("warning", "").split("; ") if text]
    refusals = [f"{row['method']}: {row['refused']}" for row in rows if row.get("refused")]
    return warnings + refusals


def table3(results: Path, config: Config) -> list[Table]:
    """Reference metrics, one table per family; the paper's values stand in their own family."""
    rows = read_rows(results / "table3.csv")
    tables = []
    for prefix, title in FAMILIES.items():
        head = heads("Data set", "Method") + number_heads(*METRIC_LABELS.values())
        head += number_heads("Tokens", "n", "Seeds")
        lines = []
        for row in rows:
            line = [Cell(row["dataset"]), Cell(row["method"], method=row["method"])]
            line += [_table3_cell(config, row, prefix, metric) for metric in METRIC_LABELS]
            line += [Cell(fixed(row["avg_tokens"], 1), number=True)]
            lines.append([*line, *(Cell(row[key], number=True) for key in ("n", "seeds"))])
        files = ("table3.csv", "table3.differences.csv")
        tables.append(Table("Table 3", f"{title}.", head, lines, files))
    return tables


def differences3(results: Path, config: Config) -> Table:
    """Paired differences of Table 3."""
    benchmark = config.tables.table3.benchmark
    lines = []
    for row in read_rows(results / "table3.differences.csv"):
        keys = [key_of(config, row["dataset"], row[f"method_{end}"]) for end in "ab"]
        link = samples_link(benchmark, m=keys[0], v=keys[1], s=row["metric"])
        lines.append([Cell(row["dataset"]), *_difference(row, row["metric"], link, 2)])
    return Table("Differences in Table 3", PAIRED, _difference_head("Data set"), lines)


def differences2(results: Path, config: Config) -> Table:
    """Paired differences of Table 2."""
    lines = []
    for row in read_rows(results / "table2.differences.csv"):
        benchmark, digits = row["benchmark"], 1 if row["metric"] == "win_rate" else 2
        dataset = config.tables.table2.dataset if config.tables.table2 else ""
        keys = [key_of(config, dataset, row[f"method_{end}"]) for end in "ab"]
        link = samples_link(benchmark, m=keys[0], v=keys[1], s=row["judge"])
        metric = f"{row['metric'].replace('_', ' ')} by {row['judge']}"
        lines.append([Cell(benchmark), *_difference(row, metric, link, digits)])
    return Table("Differences in Table 2", PAIRED, _difference_head("Benchmark"), lines)


def differences_paper(results: Path) -> Table:
    """The paper's own differences, as far as its numbers of questions allow to tell."""
    lines = [
        [
            Cell(COLUMN_LABELS[row["column"]]),
            *_difference(row, f"correlation needed {fixed(row['correlation_needed'], 3)}", "", 2),
        ]
        for row in read_rows(results / "table2.paper.csv")
    ]
    title = "The paper's own differences"
    return Table(title, PUBLISHED, _difference_head("Column"), lines, ("table2.paper.csv",))


def key_of(config: Config, dataset: str, method: str) -> str:
    """A row's contestant on the samples page; of several seeds the first."""
    if method.startswith("control_"):
        return method
    return Run(dataset if method != BASE else "-", method, config.seeds[0]).folder


def _table2_cell(config: Config, row: Row, benchmark: str, judge: str) -> Cell:
    pairwise = _pairwise(config, benchmark)
    prefix, digits = (benchmark, 1) if pairwise else (f"{benchmark}_{judge}", 2)
    dataset = config.tables.table2.dataset if config.tables.table2 else ""
    key = key_of(config, dataset, row["method"])
    return Cell(
        fixed(row.get(f"{prefix}_win_rate" if pairwise else prefix), digits),
        bounds(row, prefix, digits),
        "; ".join(
            f"{PAPER_LABELS[name]} {fixed(row[f'paper_{name}'], digits)}"
            for name in _published(config, benchmark, judge)
            if row.get(f"paper_{name}")
        ),
        samples_link(benchmark, m=key, s=judge, k="1" if key == row["method"] else ""),
        number=True,
        warn=f"on {benchmark} by judge {judge}, at or above" in row.get("warning", ""),
    )


def _published(config: Config, benchmark: str, judge: str) -> list[str]:
    """The paper's column that this judge made; where none is, all of the benchmark."""
    made = paper.TABLE2_JUDGES.get((benchmark, config.judges[judge].model))
    known = [column for (name, _), column in paper.TABLE2_JUDGES.items() if name == benchmark]
    return [made] if made else list(dict.fromkeys(known))


def _table3_cell(config: Config, row: Row, prefix: str, metric: str) -> Cell:
    name = prefix + metric
    key = key_of(config, row["dataset"], row["method"])
    return Cell(
        fixed(row[name], 2),
        bounds(row, name, 2),
        _paper(fixed(row[f"paper_{metric}"], 2) if prefix and row.get(f"paper_{metric}") else ""),
        samples_link(config.tables.table3.benchmark, m=key, s=name),
        number=True,
    )


def _pairwise(config: Config, benchmark: str) -> bool:
    return config.benchmarks[benchmark].protocol == "arena_hard"


def _paper(value: str) -> str:
    return f"paper {value}" if value else ""


def _difference_head(first: str) -> list[Cell]:
    words = heads(first, "First − second", "Metric")
    return [*words, *number_heads("Difference", "p", "n"), *heads("First is")]


def _difference(row: Row, metric: str, link: str, digits: int) -> list[Cell]:
    names = f"{row['method_a']} − {row['method_b']}"
    difference = f"{float(row['difference']):+.{digits}f}" if row["difference"] else NONE
    low, high, p = row["low"], row["high"], row["p_value"]
    spread = f"{fixed(low, digits)} to {fixed(high, digits)}" if low and high else ""
    return [
        Cell(names),
        Cell(metric),
        Cell(difference, spread, link=link, number=True),
        Cell(fixed(p, 4), number=True),
        Cell(row["n"], number=True),
        Cell(row["verdict"]),
    ]
