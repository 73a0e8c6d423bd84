"""The commands that make policies and their answers; each is one rule of the DAG."""

import json
from pathlib import Path
from typing import Annotated

import typer

from asft.machine import claim_gpus
from asft.processes import is_worker, launch

app = typer.Typer()
Settings = Annotated[str, typer.Option(help="this step's part of the config, as JSON")]


@app.command("fetch-model")
def fetch_model(settings: Settings, out: Path = typer.Option()) -> None:
    """Import the base policy from its sources."""
    from asft.models import fetch_base_model as step

    step(settings, out)


@app.command("prepare-benchmark")
def prepare_benchmark(
    settings: Settings, name: str = typer.Option(), out: Path = typer.Option()
) -> None:
    """Questions and reference answers of a benchmark."""
    from asft.data import write_benchmark as step

    step(settings, name, out)


@app.command("prepare-dataset")
def prepare_dataset(
    settings: Settings,
    name: str = typer.Option(),
    model: Path = typer.Option(),
    out: Path = typer.Option(),
) -> None:
    """Preference pairs, their tokens, and counts of what was dropped."""
    from asft.cli.prepare_dataset import prepare_dataset as step

    step(settings, name, model, out)


@app.command("data-card")
def data_card(
    counts: Path = typer.Option(help="what prepare-dataset counted"),
    pairs: Path = typer.Option(),
    questions: Annotated[list[str] | None, typer.Option(help="benchmark=questions.jsonl")] = None,
    out: Path = typer.Option(),
) -> None:
    """A data set's card: counts, and test questions found among its training prompts."""
    from asft.data import write_data_card as step

    named = [item.partition("=") for item in questions or []]
    step(counts, pairs, {name: Path(path) for name, _, path in named}, out)


@app.command()
def settings(
    run: Annotated[str, typer.Option(help="the run's slice of the config, as JSON")],
    data_card: Path = typer.Option(),
    model_card: Path = typer.Option(),
    out: Path = typer.Option(),
) -> None:
    """Resolved settings and provenance of one training run."""
    from asft.training import write_settings as step

    step(run, data_card, model_card, out)


@app.command()
def reference(
    settings: Settings,
    model: Path = typer.Option(),
    tokens: Path = typer.Option(),
    out: Path = typer.Option(),
) -> None:
    """Log-probabilities of all pairs under the base policy."""
    processes = json.loads(settings).get("processes", 1)
    claim_gpus(processes)
    if processes > 1 and not is_worker():
        arguments = ["reference", "--settings", settings, "--model", model, "--tokens", tokens]
        launch(processes, [*arguments, "--out", out])
        from asft.training import merge_reference

        return merge_reference(out, processes)
    from asft.training import score_reference as step

    step(model, tokens, settings, out)


@app.command()
def train(
    settings: Path = typer.Option(help="settings.yaml of the run"),
    model: Path = typer.Option(),
    tokens: Path = typer.Option(),
    reference: Path | None = None,
    out: Path = typer.Option(help="folder of the run"),
    checkpoint_minutes: Annotated[
        float,
        typer.Option(
            help="minutes between checkpoints, 0: none", envvar="ASFT_CHECKPOINT_MINUTES", min=0
        ),
    ] = 15,
) -> None:
    """Train one policy."""
    from asft.training import read_settings

    # Damaged ones are refused before seconds go into importing torch.
    training = read_settings(settings)["training"]
    processes = training.get("processes", 1)
    claim_gpus(processes)
    if processes > 1 and not is_worker():
        arguments: list[object] = ["train", "--settings", settings, "--model", model]
        arguments += ["--reference", reference] if reference else []
        arguments += ["--tokens", tokens, "--out", out]
        arguments += ["--checkpoint-minutes", checkpoint_minutes]
        return launch(processes, arguments, training.get("accelerate"))
    from asft.training import train_policy as step

    step(settings, model, tokens, reference, out, checkpoint_minutes)


@app.command()
def generate(
    settings: Settings,
    policy: Path = typer.Option(),
    questions: Path = typer.Option(),
    seed: int = 0,
    out: Path = typer.Option(),
) -> None:
    """A policy's answers to a benchmark."""
    generation = json.loads(settings)["generation"]
    processes = generation.get("processes", 1)
    claim_gpus(processes)  # a server's, too: it is for its command to use them
    if processes > 1 and not is_worker() and generation.get("backend") != "openai":
        arguments = ["generate", "--settings", settings, "--policy", policy]
        arguments += ["--questions", questions, "--seed", seed, "--out", out]
        launch(processes, arguments)
    from asft.generation import generate_answers as step

    step(policy, questions, settings, seed, out)


@app.command()
def score(
    questions: Path = typer.Option(), completions: Path = typer.Option(), out: Path = typer.Option()
) -> None:
    """BLEU and ROUGE of a policy's answers, question by question."""
    from asft.metrics import score_answers as step

    step(questions, completions, out)


@app.command("measure-cost")
def measure_cost(
    settings: Settings,
    arm: Annotated[str, typer.Option(help="dpo_online, dpo_cached or asft")],
    repeat: int = 0,
    model: Path = typer.Option(),
    tokens: Path = typer.Option(),
    out: Path = typer.Option(),
) -> None:
    """Time and memory of a few training steps, for Figure 2(b)."""
    claim_gpus()
    from asft.training import measure_training_cost as step

    step(settings, arm, repeat, model, tokens, out)
