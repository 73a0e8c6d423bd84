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
    judged_column,
    judged_key,
    number_heads,
    read_rows,
    samples_link,
    share,
)


def trust(results: Path, config: Config) -> Table:
    """How far the judges can be trusted: controls against base, coverage, habits of position."""
    columns = [judged_column(config, *named) for named in experiment.table2_columns(config)]
    head = heads("Answers of")
    for column in columns:
        head.append(Cell(column.benchmark, below=f"by {column.judge}", number=True))
        head.append(Cell("Verdicts", number=True))
    head += number_heads("Same winner in both orders", "First position wins")
    lines = []
    for row in read_rows(results / "table2.csv"):
        line = [Cell(row["method"], method=row["method"])]
        key = judged_key(config, row["method"])
        for column in columns:
            fooled = column.prefix in row["fools"].split()
            n, lost = int(row[f"{column.prefix}_n"]), int(row[f"{column.prefix}_n_unscored"])
            benchmark, state = column.benchmark, {"m": key, "s": column.judge}
            line += [
                Cell(
                    fixed(row.get(column.headline), 1 if column.pairwise else 2),
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
        lines.append([*line, *_habits(row, key, columns[0].benchmark, columns[0].judge)])
    return Table("Judges", "", head, lines)


def _habits(row: Row, key: str, benchmark: str, judge: str) -> list[Cell]:
    """How often the judge kept its word when the answers changed places, and liked the first."""
    consistent, first = row.get("swap_consistency"), row.get("first_position_rate")
    split = "split" if consistent and float(consistent) < 1 else ""
    return [
        Cell(share(consistent), link=samples_link(benchmark, m=key, s=judge, o=split), number=True),
        Cell(share(first), link=samples_link(benchmark, m=key, s=judge), number=True),
    ]
