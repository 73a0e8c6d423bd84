"""How far the judges can be trusted, for the front page."""

from pathlib import Path

from asft import experiment
from asft.config import Config
from asft.report.cells import (
    Cell,
    Row,
    Table,
    fixed,
    heads,
    key_of,
    number_heads,
    read_rows,
    samples_link,
    share,
)


def trust(results: Path, config: Config) -> Table:
    """How far the judges can be trusted: controls against base, coverage, habits of position."""
    table, columns = config.tables.table2, experiment.table2_columns(config)
    head = heads("Answers of")
    for benchmark, judge in columns:
        head += [Cell(benchmark, below=f"by {judge}", number=True), Cell("Verdicts", number=True)]
    head += number_heads("Same winner in both orders", "First position wins")
    lines = []
    for row in read_rows(results / "table2.csv"):
        line = [Cell(row["method"], method=row["method"])]
        key = key_of(config, table.dataset if table else "", row["method"])
        for benchmark, judge in columns:
            pairwise = config.benchmarks[benchmark].protocol == "arena_hard"
            prefix = benchmark if pairwise else f"{benchmark}_{judge}"
            value = row.get(f"{prefix}_win_rate" if pairwise else prefix)
            fooled = prefix in row["fools"].split()
            n, lost = int(row[f"{prefix}_n"]), int(row[f"{prefix}_n_unscored"])
            state = {"m": key, "s": judge}
            line += [
                Cell(
                    fixed(value, 1 if pairwise else 2),
                    "at or above base" if fooled else "",
                    link=samples_link(benchmark, **state),
                    number=True,
                    warn=fooled,
                ),
                Cell(
                    f"{n - lost}/{n}",
                    link=samples_link(benchmark, **state, o="none" if lost else ""),
                    number=True,
                ),
            ]
        lines.append([*line, *_habits(row, key, *columns[0])])
    return Table("Judges", "", head, lines)


def _habits(row: Row, key: str, benchmark: str, judge: str) -> list[Cell]:
    """How often the judge kept its word when the answers changed places, and liked the first."""
    consistent, first = row.get("swap_consistency"), row.get("first_position_rate")
    split = "split" if consistent and float(consistent) < 1 else ""
    return [
        Cell(share(consistent), link=samples_link(benchmark, m=key, s=judge, o=split), number=True),
        Cell(share(first), link=samples_link(benchmark, m=key, s=judge), number=True),
    ]
