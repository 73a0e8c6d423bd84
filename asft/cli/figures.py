"""The commands that draw figures and build the report."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asft.cli.pipeline import Settings
from asft.config import Statistics

if TYPE_CHECKING:
    from asft.figures import About, HistoryFile, ScoreFile


app = typer.Typer()
plot_app = typer.Typer(no_args_is_help=True, help="One figure: pdf, png and the numbers as csv.")
app.add_typer(plot_app, name="plot")
Out = Annotated[Path, typer.Option(help="the pdf; png and csv go beside it")]
History = Annotated[list[str], typer.Option(help="method,seed=history.csv")]
Score = Annotated[list[str], typer.Option(help="method,seed,benchmark,judge=scores.csv")]
Table2 = Annotated[Path, typer.Option(help="table2.csv: it knows what was refused")]


@plot_app.command()
def figure1(out: Out, beta: Annotated[float, typer.Option(help="of Bradley-Terry")] = 0.1) -> None:
    """Loss surfaces and gradient fields."""
    from asft.figures import plot_losses as step

    step(beta, out)


@plot_app.command()
def figure2a(settings: Settings, history: History, out: Out) -> None:
    """Likelihood margin on held-out pairs over training."""
    from asft.figures import plot_margins as step

    chosen = json.loads(settings)
    step(_histories(history), chosen["dataset"], _about(chosen), out)


@plot_app.command()
def figure2b(
    settings: Settings,
    cost: Annotated[list[Path], typer.Option(help="one measurement of one arm, as JSON")],
    out: Out,
) -> None:
    """Run time and peak memory of DPO and ASFT."""
    from asft.figures import plot_cost as step

    chosen = json.loads(settings)
    step(cost, chosen["dataset"], chosen["gradient_checkpointing"], _about(chosen), out)


@plot_app.command()
def training(settings: Settings, history: History, out: Out) -> None:
    """Training curves of all methods of one data set."""
    from asft.figures import plot_curves as step

    chosen = json.loads(settings)
    step(_histories(history), chosen["dataset"], _about(chosen), out)


@plot_app.command()
def figure3(
    settings: Settings,
    questions: Annotated[Path, typer.Option(help="questions.jsonl of the benchmark")],
    completions: Annotated[list[str], typer.Option(help="method,seed=answers.jsonl")],
    verdicts: Annotated[list[str], typer.Option(help="method,seed=verdicts.jsonl")],
    out: Out,
) -> None:
    """Case study: the question that the judge rated most differently."""
    from asft.figures import plot_case as step

    chosen, judged = json.loads(settings), dict(map(_split, verdicts))
    runs = {
        names[0]: (int(names[1]), path, judged[names]) for names, path in map(_split, completions)
    }
    step(questions, runs, chosen["judge"], _about(chosen), out)


@plot_app.command("mt-bench")
def mt_bench(settings: Settings, score: Score, table2: Table2, out: Out) -> None:
    """MT-Bench ratings by category."""
    from asft.figures import plot_mt_bench as step

    chosen = json.loads(settings)
    step(_scores(score), table2, _statistics(chosen), _about(chosen), out)


@plot_app.command()
def length(settings: Settings, score: Score, table2: Table2, out: Out) -> None:
    """Scores against the length of answers."""
    from asft.figures import plot_length as step

    chosen = json.loads(settings)
    step(_scores(score), table2, _statistics(chosen), _about(chosen), out)


@plot_app.command()
def differences(
    settings: Settings,
    table3: Annotated[Path, typer.Option(help="table3.differences.csv")],
    out: Out,
    table2: Annotated[Path | None, typer.Option(help="table2.differences.csv")] = None,
) -> None:
    """Forest plot of all paired differences."""
    from asft.figures import plot_differences as step

    chosen = json.loads(settings)
    step(table2, table3, _statistics(chosen), _about(chosen), out)


def _about(chosen: dict[str, Any]) -> "About":
    from asft.figures import About

    note = " ".join(chosen["note"].split())
    return About(chosen["model"], note, tuple(chosen["methods"]))


def _statistics(chosen: dict[str, Any]) -> Statistics:
    return Statistics.model_validate(chosen["statistics"])


def _histories(items: list[str]) -> "list[HistoryFile]":
    from asft.figures import HistoryFile

    return [HistoryFile(names[0], int(names[1]), path) for names, path in map(_split, items)]


def _scores(items: list[str]) -> "list[ScoreFile]":
    from asft.figures import ScoreFile

    return [
        ScoreFile(method, int(seed), benchmark, judge, path)
        for (method, seed, benchmark, judge), path in map(_split, items)
    ]


def _split(item: str) -> tuple[tuple[str, ...], Path]:
    names, _, path = item.partition("=")
    return tuple(names.split(",")), Path(path)


@app.command("model-card")
def model_card(
    run: Annotated[Path, typer.Option(help="folder of the run")],
    settings: Annotated[str, typer.Option(help="asft.config.runs.card_settings, as JSON")],
    data_card: Path = typer.Option(),
    table3: Path | None = None,
    table2: Path | None = None,
    out: Path = typer.Option(),
) -> None:
    """README.md of a trained policy, with its scores."""
    from asft.report import Origin
    from asft.report import write_model_card as step

    chosen = json.loads(settings)
    columns = [(benchmark, judge) for benchmark, judge in chosen.pop("columns")]
    step(run, data_card, table3, table2, columns, Origin(**chosen), out)


@app.command()
def report(
    settings: Settings,
    results: Path = typer.Option(help="the experiment's folder"),
    out: Path = typer.Option(help="a folder; what it holds is replaced"),
) -> None:
    """A static report; open its index.html."""
    from asft.cli.report import report_experiment as step

    step(settings, results, out)
