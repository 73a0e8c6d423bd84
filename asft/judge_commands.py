"""The commands that judge answers, import published judgments and make tables."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from asft.commands import Settings
from asft.config import Statistics

app = typer.Typer()
STORE = Path(os.environ.get("ASFT_CACHE", "cache")) / "judge.sqlite"


@app.command()
def control(
    kind: Annotated[str, typer.Option(help="null, echo, injection or empty")],
    questions: Path = typer.Option(),
    out: Path = typer.Option(),
) -> None:
    """Answers of a control contestant, which deserve nothing."""
    from asft.steps.control import control as step

    step(kind, questions, out)


@app.command()
def judge(
    settings: Settings,
    protocol: Annotated[str, typer.Option(help="mt_bench or arena_hard")],
    benchmark: Path = typer.Option(help="folder of the prepared benchmark"),
    completions: Path = typer.Option(),
    judge_model: Annotated[Path | None, typer.Option(help="a local judge's model folder")] = None,
    store: Annotated[Path, typer.Option(help="where answers are kept")] = STORE,
    out: Path = typer.Option(),
    dry_run: Annotated[bool, typer.Option(help="write the messages, send nothing")] = False,
) -> None:
    """A judge's verdicts on a policy's answers."""
    from asft.steps.judge import judge as step

    step(benchmark, protocol, completions, settings, judge_model, store, out, dry_run)


@app.command("score-verdicts")
def score_verdicts(
    verdicts: Path = typer.Option(),
    questions: Path = typer.Option(),
    completions: Path = typer.Option(),
    protocol: str = typer.Option(help="mt_bench or arena_hard"),
    baseline: Path | None = None,
    out: Path = typer.Option(),
) -> None:
    """Verdicts to one row per question."""
    from asft.steps.score_verdicts import score_verdicts as step

    step(verdicts, questions, completions, protocol, out, baseline)  # type: ignore[arg-type]


@app.command()
def table2(
    settings: Settings,
    score: Annotated[list[str], typer.Option(help="method,seed,benchmark,judge=scores.csv")],
    out: Path = typer.Option(help="table2.csv; .md, .tex and .differences.csv go beside it"),
) -> None:
    """Table 2."""
    from asft.steps.tabulate_table2 import tabulate_table2 as step

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
    from asft.steps.tabulate_table1 import tabulate_table1 as step

    chosen = json.loads(settings)
    rows = [(*row[:4], Path(row[4])) for row in chosen.pop("benchmarks")]
    step(rows, out=out, **chosen)


import_app = typer.Typer(no_args_is_help=True, help="Published judgments as our verdicts.")
app.add_typer(import_app, name="import")


@import_app.command("fastchat")
def import_fastchat(judgments: list[Path], out: Path = typer.Option()) -> None:
    """FastChat's model_judgment/*_single.jsonl."""
    from asft.steps.import_judgments import import_fastchat as step

    step(judgments, out)


@import_app.command("arena-hard")
def import_arena_hard(
    judgments: list[Path], baseline: str = "gpt-4-0314", out: Path = typer.Option()
) -> None:
    """Arena-Hard's model_judgment/*.jsonl."""
    from asft.steps.import_judgments import import_arena_hard as step

    step(judgments, out, baseline)


@app.command()
def table3(
    settings: Settings,
    score: Annotated[list[str], typer.Option(help="dataset,method,seed=references.csv")],
    out: Path = typer.Option(help="table3.csv; .md, .tex and .differences.csv go beside it"),
) -> None:
    """Table 3."""
    from asft.steps.tabulate import tabulate as step

    rows = []
    for item in score:
        names, _, path = item.partition("=")
        dataset, method, seed = names.split(",")
        rows.append((dataset, method, int(seed), Path(path)))
    chosen = json.loads(settings)
    statistics = Statistics.model_validate(chosen.pop("statistics"))
    step(rows, statistics=statistics, out=out, **chosen)
