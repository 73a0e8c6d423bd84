"""A small experiment as files, and its steps as the commands that users run, faults included."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from asft.cli.app import run
from asft.config.data import Model
from asft.data.prepare_benchmark import write_benchmark
from asft.files import read_jsonl, write_jsonl
from asft.models.fetch_model import import_model
from asft.records import Completion, Question
from asft.training.settings import read_settings

ASFT = str(Path(sys.executable).parent / "asft")
LIMITED = [sys.executable, str(Path(__file__).with_name("limited.py"))]
# In the order in which they need one another.
STEPS = ("prepare-dataset", "settings", "reference", "train", "generate", "score", "table3")
RUN = {
    **{"model": "tiny", "dataset": "toy", "method": "dpo", "seed": 1, "loss": "dpo"},
    "hyperparameters": {"beta": 0.1},
    "training": {"epochs": 1, "batch_size": 4, "learning_rate": 1e-3, "precision": "fp32"},
}
GENERATION = {
    "decoding": {"max_new_tokens": 8},
    # One at a time: the six questions are two shares, each kept as a whole.
    "generation": {"batch_size": 1, "precision": "fp32", "threads": 1},
}
TABLE = {"benchmark": "toy", "model": "tiny", "note": "", "statistics": {}}


def row(number: int, chosen: str = "Gewiß, ja.", rejected: str = "No… 🙈") -> dict[str, Any]:
    """One row of TRL's format."""
    return {
        "prompt": [{"role": "user", "content": f"Is {number} even?"}],
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
    }


def write_inputs(folder: Path) -> None:
    """What the first step reads: a tiny random model, 24 rows, 6 questions."""
    import_model(Model(sources=[{"random": 0}]), folder / "model")
    write_rows(folder, [row(number) for number in range(24)])
    questions = [
        Question(question_id=f"q{n}", turns=[f"Wie heißt {n}?"], references=[f"{n} heißt {n}."])
        for n in range(6)
    ]
    write_jsonl(folder / "questions.jsonl", questions)


def write_rows(folder: Path, rows: list[dict[str, Any]]) -> None:
    """The data set's file."""
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "rows.jsonl").write_text(text)


def arguments(step: str, given: Path, out: Path, **changes: Any) -> list[str]:
    """A step's arguments: it reads under `given` and writes under `out`; `changes` of settings."""
    dataset = {"format": "trl", "sources": [{"local": str(given / "rows.jsonl")}], "heldout": 4}
    settings: dict[str, Any] = {
        "prepare-dataset": {"dataset": dataset, "tokens": {"max_length": 512}},
        "settings": RUN,
        "reference": {"precision": "fp32", "token_budget": 256},
        "generate": GENERATION,
        "table3": TABLE,
    }.get(step, {})
    model, tokens, questions = given / "model", given / "data/tokens", given / "questions.jsonl"
    files: dict[str, dict[str, Any]] = {
        "prepare-dataset": {"model": model, "out": out / "data"},
        "settings": {
            "data-card": given / "data/counts.json",
            "model-card": model / "card.json",
            "out": out / "run/settings.yaml",
        },
        "reference": {"model": model, "tokens": tokens, "out": out / "data/reference.parquet"},
        "train": {
            **{"settings": given / "run/settings.yaml", "model": model, "tokens": tokens},
            **{"reference": given / "data/reference.parquet", "out": out / "run"},
        },
        "generate": {"policy": model, "questions": questions, "out": out / "answers.jsonl"},
        "score": {
            **{"questions": questions, "completions": given / "answers.jsonl"},
            "out": out / "scores.csv",
        },
        "table3": {"score": f"toy,dpo,1={given / 'scores.csv'}", "out": out / "table3.csv"},
    }
    options = dict(files[step])
    if settings:
        options["run" if step == "settings" else "settings"] = json.dumps(settings | changes)
    if step == "prepare-dataset":
        options["name"] = "toy"
    return [step, *(word for key, value in options.items() for word in (f"--{key}", str(value)))]


def judge_arguments(folder: Path) -> list[str]:
    """The arguments of a local judge, with a question and an answer for it in `folder`."""
    demo = Path(__file__).parents[1] / "asft/demo"
    prompts = demo.parent / "prompts/demo_judge_prompts.jsonl"
    benchmark = {
        **{"protocol": "mt_bench", "format": "mt_bench", "limit": 1},
        "sources": [{"local": str(demo / "mt_bench_questions.jsonl")}],
        "prompts": [{"local": str(prompts)}],
        "references": [{"local": str(demo / "mt_bench_references.jsonl")}],
    }
    write_benchmark(json.dumps(benchmark), "mt_bench", folder / "mt_bench")
    [asked] = read_jsonl(folder / "mt_bench/questions.jsonl", Question)
    answer = {"turns": ["Yes.", "No."], "finish_reasons": ["stop"] * 2, "tokens": [2, 2]}
    answers = [Completion(question_id=asked.question_id, **answer)]
    write_jsonl(folder / "mt_bench.jsonl", answers)
    settings = {"backend": "local", "model": "tiny", "precision": "fp32"}
    files = {
        **{"benchmark": folder / "mt_bench", "completions": folder / "mt_bench.jsonl"},
        **{"judge-model": folder / "model", "store": folder / "store"},
        "out": folder / "verdicts.jsonl",
    }
    options = {"protocol": "mt_bench", "settings": json.dumps(settings)} | files
    return ["judge", *(word for key, value in options.items() for word in (f"--{key}", str(value)))]


def training(experiment: Experiment, folder: Path, **changes: object) -> list[str]:
    """The step `train` with changed settings."""
    for name in ("model", "data"):
        (folder / name).symlink_to(experiment.folder / name)
    settings = read_settings(experiment.folder / "run/settings.yaml")
    settings |= {"training": RUN["training"] | changes, "provenance": {}}  # type: ignore[operator]
    (folder / "run").mkdir()
    (folder / "run/settings.yaml").write_text(yaml.safe_dump(settings))
    return arguments("train", folder, folder / "out")


def start(
    words: list[str], log: Path | None = None, environment: Any = None, **limits: Any
) -> subprocess.Popen[str]:
    """A step in a process of its own, under the kernel's `limits` (tests/limited.py) if any."""
    program = [*LIMITED, json.dumps(limits | {"step": words[0]})] if limits else [ASFT]
    command = [*program, *(["--log", str(log)] if log else []), *words]
    # A limit on files must meet the step's own, not the compiled Python of an import.
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | (environment or {})
    return subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def failure(child: subprocess.Popen[str]) -> str:
    """The one line with which a step that was given a log fails."""
    printed, error = child.communicate()
    assert child.returncode == 1, error
    assert printed == ""
    assert error.startswith("error: ")
    assert error.count("\n") == 1, error
    return error


class Experiment:
    """Undisturbed inputs and outputs of all steps in `folder`, and the seconds that each took."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seconds: dict[str, float] = {}
        write_inputs(folder)
        for step in STEPS:
            began = time.perf_counter()
            child = start(arguments(step, folder, folder), folder / "logs" / f"{step}.log")
            _, error = child.communicate()
            assert child.returncode == 0, error
            self.seconds[step] = time.perf_counter() - began


def outputs(folder: Path) -> dict[str, bytes]:
    """Contents of the finished files: not the hidden ones, nor what is kept for a rerun."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.suffix not in (".partial", ".log", ".progress")
        and path.parent.name != "checkpoints"
        and path.name != "cost.json"  # holds times
    }


def failed_here(words: list[str], capfd: Any) -> str:
    """The one line with which a step fails in this process, for tests with many small steps."""
    capfd.readouterr()
    with pytest.raises(SystemExit) as done:
        run(words)
    error: str = capfd.readouterr().err
    assert done.value.code == 1, f"{words[0]} ended with {done.value.code}: {error}"
    assert "Traceback" not in error
    # Libraries may warn before; the step itself says one line.
    line = error.splitlines()[-1]
    assert line.startswith("error: "), error
    assert error.count("error: ") == 1, error
    return line


def done_here(words: list[str]) -> None:
    """A step that succeeds, in this process."""
    with pytest.raises(SystemExit) as done:
        run(words)
    assert done.value.code == 0, words[0]
