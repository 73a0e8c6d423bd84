"""The commands that make tables."""

import json
from pathlib import Path
from typing import Annotated

import typer

from asft.cli.pipeline import Settings
from asft.config import Statistics

app = typer.Typer()


@app.command()
def table2(
    settings: Settings,
    score: Annotated[list[str], typer.Option(help="method,seed,benchmark,judge=scores.csv")],
    out: Path = typer.Option(help="table2.csv; .md, .tex and .differences.csv go beside it"),
) -> None:
    """Table 2."""
    from asft.tables import tabulate_table2 as step

    rows = []
    for item in score:
        names, _, path = item.partition("=")
        method, seed, benchmark, judge_name = names.split(",")
        rows.append((method, int(seed), benchmark, judge_name, Path(path)))
    chosen = json.loads(settings)
    statistics = Statistics.model_validate(chosen.pop("statistics"))
    step(rows, statistics=statistics, out=out, **chosen)


@app.command()
def table1(
    settings: Settings,
    out: Path = typer.Option(help="table1.csv; .md and .tex go beside it"),
) -> None:
    """Table 1."""
    from asft.tables import Judged
    from asft.tables import tabulate_table1 as step

    chosen = json.loads(settings)
    rows = [Judged(*row[:4], *map(Path, row[4:])) for row in chosen.pop("benchmarks")]
    step(rows, out=out, **chosen)


@app.command()
def table3(
    settings: Settings,
    score: Annotated[list[str], typer.Option(help="dataset,method,seed=references.csv")],
    out: Path = typer.Option(help="table3.csv; .md, .tex and .differences.csv go beside it"),
) -> None:
    """Table 3."""
    from asft.tables import tabulate_table3 as step

    rows = []
    for item in score:
        names, _, path = item.partition("=")
        dataset, method, seed = names.split(",")
        rows.append((dataset, method, int(seed), Path(path)))
    chosen = json.loads(settings)
    statistics = Statistics.model_validate(chosen.pop("statistics"))
    step(rows, statistics=statistics, out=out, **chosen)
