"""`asft`: each step of the DAG as a command, as the rules print it."""

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from asft.errors import UserError

# Before any library reads them: nothing is sent anywhere, and forked workers do not deadlock.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)
STORE = Path(os.environ.get("ASFT_CACHE", "cache")) / "judge.sqlite"
Settings = Annotated[str, typer.Option(help="this step's part of the config, as JSON")]


@app.callback()
def options(
    log: Annotated[Path | None, typer.Option(help="write all output to this file")] = None,
    debug: Annotated[bool, typer.Option(help="show the traceback of an error")] = False,
) -> None:
    """ASFT experiments, step by step."""
    # Values are read in main(), which must know them when a step fails; declared here for --help.


@app.command("fetch-model")
def fetch_model(settings: Settings, out: Path = typer.Option()) -> None:
    """Import the base policy from its sources."""
    from asft.steps.fetch_model import fetch_model as step

    step(settings, out)


@app.command("prepare-benchmark")
def prepare_benchmark(
    settings: Settings, name: str = typer.Option(), out: Path = typer.Option()
) -> None:
    """Questions and reference answers of a benchmark."""
    from asft.steps.prepare_benchmark import prepare_benchmark as step

    step(settings, name, out)


@app.command("prepare-dataset")
def prepare_dataset(
    settings: Settings,
    questions: Annotated[list[Path], typer.Option(help="test questions, to count overlap with")],
    name: str = typer.Option(),
    model: Path = typer.Option(),
    out: Path = typer.Option(),
) -> None:
    """Preference pairs, their tokens and a card that counts what was dropped."""
    from asft.steps.prepare_dataset import prepare_dataset as step

    step(settings, name, model, questions, out)


@app.command()
def settings(
    run: Annotated[str, typer.Option(help="the run's slice of the config, as JSON")],
    data_card: Path = typer.Option(),
    model_card: Path = typer.Option(),
    out: Path = typer.Option(),
) -> None:
    """Resolved settings and provenance of one training run."""
    from asft.steps.settings import settings as step

    step(run, data_card, model_card, out)


@app.command()
def reference(
    settings: Settings,
    model: Path = typer.Option(),
    tokens: Path = typer.Option(),
    out: Path = typer.Option(),
) -> None:
    """Log-probabilities of all pairs under the base policy."""
    from asft.steps.reference import reference as step

    step(model, tokens, settings, out)


@app.command()
def train(
    settings: Path = typer.Option(help="settings.yaml of the run"),
    model: Path = typer.Option(),
    tokens: Path = typer.Option(),
    reference: Path | None = None,
    out: Path = typer.Option(help="folder of the run"),
) -> None:
    """Train one policy."""
    from asft.steps.train import train as step

    step(settings, model, tokens, reference, out)


@app.command()
def generate(
    settings: Settings,
    policy: Path = typer.Option(),
    questions: Path = typer.Option(),
    seed: int = 0,
    out: Path = typer.Option(),
) -> None:
    """A policy's answers to a benchmark."""
    from asft.steps.generate import generate as step

    step(policy, questions, settings, seed, out)


@app.command()
def score(
    questions: Path = typer.Option(), completions: Path = typer.Option(), out: Path = typer.Option()
) -> None:
    """BLEU and ROUGE of a policy's answers, question by question."""
    from asft.steps.score import score as step

    step(questions, completions, out)


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
def tabulate2(
    settings: Settings,
    score: Annotated[list[str], typer.Option(help="method,seed,benchmark,judge=scores.csv")],
    out: Path = typer.Option(help="table2.csv; .md, .tex and .differences.csv go beside it"),
) -> None:
    """Table 2."""
    import json

    from asft.config import Statistics
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
def tabulate1(
    settings: Settings,
    out: Path = typer.Option(help="table1.csv; .md and .tex go beside it"),
) -> None:
    """Table 1."""
    import json

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
def tabulate(
    settings: Settings,
    score: Annotated[list[str], typer.Option(help="dataset,method,seed=references.csv")],
    out: Path = typer.Option(help="table3.csv; .md, .tex and .differences.csv go beside it"),
) -> None:
    """Table 3."""
    import json

    from asft.config import Statistics
    from asft.steps.tabulate import tabulate as step

    rows = []
    for item in score:
        names, _, path = item.partition("=")
        dataset, method, seed = names.split(",")
        rows.append((dataset, method, int(seed), Path(path)))
    chosen = json.loads(settings)
    statistics = Statistics.model_validate(chosen.pop("statistics"))
    step(rows, statistics=statistics, out=out, **chosen)


def main() -> None:
    """Run a command; an error the user can mend is one line on stderr and exit status 1."""
    arguments = sys.argv[1:]
    log = arguments[arguments.index("--log") + 1] if "--log" in arguments[:-1] else None
    terminal = os.dup(2)
    if log:
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        os.dup2(file, 1)
        os.dup2(file, 2)
    try:
        app()
    except (UserError, ValidationError) as error:
        if "--debug" in arguments:
            traceback.print_exc()
        message = f"error: {_one_line(error)}\n"
        os.write(terminal, message.encode())
        if log:
            os.write(2, message.encode())
        raise SystemExit(1) from None


def _one_line(error: UserError | ValidationError) -> str:
    if isinstance(error, UserError):
        return str(error)
    fault = error.errors()[0]  # of a command's JSON: files are validated where they are read
    return f"--settings, key {'.'.join(map(str, fault['loc']))!r}: {fault['msg']}"
