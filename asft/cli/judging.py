"""The commands that judge answers and import published judgments."""

import os
from pathlib import Path
from typing import Annotated

import typer

from asft.cli.pipeline import Settings
from asft.config import Statistics, judged_protocols
from asft.machine import claim_gpus

app = typer.Typer()
STORE = Path(os.environ.get("ASFT_CACHE", "cache")) / "judge.sqlite"
Protocol = Annotated[str, typer.Option(help=" or ".join(judged_protocols()))]


@app.command()
def control(
    kind: Annotated[str, typer.Option(help="null, echo, injection or empty")],
    questions: Path = typer.Option(),
    out: Path = typer.Option(),
) -> None:
    """Answers of a control contestant, which deserve nothing."""
    from asft.judging import write_control as step

    step(kind, questions, out)


@app.command()
def judge(
    settings: Settings,
    protocol: Protocol,
    benchmark: Path = typer.Option(help="folder of the prepared benchmark"),
    completions: Path = typer.Option(),
    judge_model: Annotated[Path | None, typer.Option(help="a local judge's model folder")] = None,
    store: Annotated[Path, typer.Option(help="where answers are kept")] = STORE,
    out: Path = typer.Option(),
    dry_run: Annotated[bool, typer.Option(help="write the messages, send nothing")] = False,
) -> None:
    """A judge's verdicts on a policy's answers."""
    if judge_model:
        claim_gpus()
    from asft.judging import judge_answers as step

    step(benchmark, protocol, completions, settings, judge_model, store, out, dry_run)


@app.command("score-verdicts")
def score_verdicts(
    verdicts: Path = typer.Option(),
    questions: Path = typer.Option(),
    completions: Path = typer.Option(),
    *,
    protocol: Protocol,
    baseline: Path | None = None,
    out: Path = typer.Option(),
) -> None:
    """Verdicts to one row per question."""
    from asft.metrics import aggregate_verdicts as step

    step(verdicts, questions, completions, protocol, out, baseline)


import_app = typer.Typer(no_args_is_help=True, help="Published judgments as our verdicts.")
app.add_typer(import_app, name="import")
Questions = Annotated[
    Path | None,
    typer.Option(help="the benchmark's question.jsonl; else the questions that the judgments name"),
]
Answers = Annotated[
    Path | None, typer.Option(help="file or folder of published answers, for lengths and style")
]
Coverage = Annotated[
    float, typer.Option(min=0, max=1, help="share of verdicts below which a cell refuses")
]


@import_app.command("fastchat")
def import_fastchat(
    judgments: list[Path],
    questions: Questions = None,
    answers: Answers = None,
    min_coverage: Coverage = 0.95,
    out: Path = typer.Option(help="folder of the verdicts, the scores and table.csv, .md, .tex"),
) -> None:
    """FastChat's model_judgment/*_single.jsonl."""
    from asft.judging import import_fastchat as step

    step(judgments, out)
    _rebuild(out, "mt_bench", questions, answers, min_coverage)


@import_app.command("arena-hard")
def import_arena_hard(
    judgments: list[Path],
    baseline: str = "gpt-4-0314",
    questions: Questions = None,
    answers: Answers = None,
    min_coverage: Coverage = 0.95,
    out: Path = typer.Option(help="folder of the verdicts, the scores and table.csv, .md, .tex"),
) -> None:
    """Arena-Hard's model_judgment/*.jsonl."""
    from asft.judging import import_arena_hard as step

    step(judgments, out, baseline)
    _rebuild(out, "arena_hard", questions, answers, min_coverage)


def _rebuild(
    out: Path,
    protocol: str,
    questions: Path | None,
    answers: Path | None,
    min_coverage: float,
) -> None:
    from asft.tables import rebuild_scores

    rebuild_scores(out, protocol, questions, answers, Statistics(), min_coverage)
    typer.echo((out / "table.md").read_text(encoding="utf-8"))
