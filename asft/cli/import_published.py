"""The commands `asft import …`: published judgments as verdicts, scores and a table.

No judge is asked.

By hand: asft import fastchat JUDGMENTS… --out DIR, asft import arena-hard JUDGMENTS… --out DIR
         asft import alpaca-eval ANNOTATIONS… --gamed df_gamed.csv --out DIR
"""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option, echo

from asft.config import Statistics
from asft.errors import UserError
from asft.judging import import_alpaca_eval, import_arena_hard, import_fastchat
from asft.tables import rebuild_preferences, rebuild_scores

Judgments = Annotated[list[Path], Argument()]
Questions = Annotated[
    Path | None,
    Option(help="the benchmark's question.jsonl; else the questions that the judgments name"),
]
Answers = Annotated[
    Path | None, Option(help="file or folder of published answers, for lengths and style")
]
Baseline = Annotated[
    str | None,
    Option(help="whom all games are against; else whom the rows name, or gpt-4-0314"),
]
Coverage = Annotated[
    float, Option(min=0, max=1, help="share of verdicts below which a cell refuses")
]
Weight = Annotated[
    int, Option(min=1, help="how often a game counts that is called significantly better")
]
Annotations = Annotated[list[Path], Argument()]
Gamed = Annotated[
    Path | None,
    Option(help="alpaca_eval's df_gamed.csv; else there are no length-controlled win rates"),
]
Instructions = Annotated[
    Path | None,
    Option(help="all its instructions in its order, for difficulties by instruction, not by row"),
]
Out = Annotated[Path, Option(help="folder of the verdicts, the scores and table.csv, .md, .tex")]


def fastchat(
    judgments: Judgments,
    out: Out,
    questions: Questions = None,
    answers: Answers = None,
    min_coverage: Coverage = 0.95,
) -> None:
    """Import FastChat's model_judgment/*_single.jsonl: write verdicts, scores and a table."""
    import_fastchat(judgments, out)
    _rebuild(out, "mt_bench", questions, answers, min_coverage)


def arena_hard(
    judgments: Judgments,
    out: Out,
    baseline: Baseline = None,
    questions: Questions = None,
    answers: Answers = None,
    min_coverage: Coverage = 0.95,
    decisive_weight: Weight = 3,
) -> None:
    """Import Arena-Hard's model_judgment/*.jsonl: write verdicts, scores and a table."""
    import_arena_hard(judgments, out, baseline)
    _rebuild(out, "arena_hard", questions, answers, min_coverage, decisive_weight)


def alpaca_eval(
    annotations: Annotations, out: Out, gamed: Gamed = None, questions: Instructions = None
) -> None:
    """Import AlpacaEval's annotations.json: write preferences, scores and a table."""
    if questions is not None and gamed is None:
        raise UserError("--questions: says which difficulty is whose; give --gamed too")
    import_alpaca_eval(annotations, out)
    rebuild_preferences(out, gamed, questions)
    echo((out / "table.md").read_text(encoding="utf-8"))


def _rebuild(
    out: Path,
    protocol: str,
    questions: Path | None,
    answers: Path | None,
    min_coverage: float,
    decisive_weight: int = 3,
) -> None:
    rebuild_scores(out, protocol, questions, answers, Statistics(), min_coverage, decisive_weight)
    echo((out / "table.md").read_text(encoding="utf-8"))
