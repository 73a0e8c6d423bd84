"""How far the judges can be trusted, for the front page."""

from pathlib import Path

from asft.config import Config, table2_columns
from asft.report.cells import (
    HtmlCell,
    HtmlTable,
    Row,
    fixed,
    heads,
    judged_column,
    judged_key,
    number_heads,
    read_rows,
    samples_link,
    share,
)


def trust(results: Path, config: Config) -> HtmlTable:
    """How far the judges can be trusted: controls against base, coverage, habits of position."""
    columns = [judged_column(config, *named) for named in table2_columns(config)]
    head = heads("Answers of")
    for column in columns:
        head.append(HtmlCell(column.benchmark, below=f"by {column.judge}", number=True))
        head.append(HtmlCell("Verdicts", number=True))
    head += number_heads("Same winner in both orders", "First position wins")
    lines = []
    for row in read_rows(results / "table2.csv"):
        line = [HtmlCell(row["method"], method=row["method"])]
        key = judged_key(config, row["method"])
        for column in columns:
            fooled = column.prefix in row["fools"].split()
            n, lost = int(row[f"{column.prefix}_n"]), int(row[f"{column.prefix}_n_unscored"])
            benchmark, state = column.benchmark, {"m": key, "s": column.judge}
            line += [
                HtmlCell(
                    fixed(row.get(column.headline), 1 if column.pairwise else 2),
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
        lines.append([*line, *_habits(row, key, columns[0].benchmark, columns[0].judge)])
    return HtmlTable("Judges", "", head, lines)


def _habits(row: Row, key: str, benchmark: str, judge: str) -> list[HtmlCell]:
    """How often the judge kept its word when the answers changed places, and liked the first."""
    consistent, first = row.get("swap_consistency"), row.get("first_position_rate")
    split = "split" if consistent and float(consistent) < 1 else ""
    return [
        HtmlCell(
            share(consistent), link=samples_link(benchmark, m=key, s=judge, o=split), number=True
        ),
        HtmlCell(share(first), link=samples_link(benchmark, m=key, s=judge), number=True),
    ]
