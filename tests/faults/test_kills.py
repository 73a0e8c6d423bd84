"""Killed at any moment, also within a write: no file is half there, and a rerun makes the same.

Training at random moments and the judge: test_resume.py and test_judge_*.py; steps that read other
files than these: test_kills_of_others.py.
"""

import os
import random
import signal
import time
from pathlib import Path

import pytest
from small_steps import Experiment, arguments, outputs, start

from asft.cli import app as cli

# How often each step is killed by each means: those that import torch take seconds to start.
TRIALS = {"prepare-dataset": 2, "score": 2, "table3": 2, "reference": 1, "generate": 1}
TRIALS |= {"settings": 1}
POLICY = ["chat_template.jinja", "config.json", "generation_config.json", "model.safetensors"]
POLICY += ["tokenizer.json", "tokenizer_config.json"]
PRODUCTS = {
    "settings": ["run/settings.yaml"],
    "prepare-dataset": ["data/pairs.parquet", "data/tokens/pairs.parquet", "data/counts.json"],
    "reference": ["data/reference.parquet"],
    "train": ["run/history.csv", *(f"run/policy/{name}" for name in POLICY)],
    "generate": ["answers.jsonl"],
    "score": ["scores.csv"],
    "table3": ["table3.csv", "table3.md", "table3.tex", "table3.differences.csv"],
}


def whole(out: Path, experiment: Experiment) -> set[str]:
    """Names of the files that are there; each has all its bytes."""
    found = outputs(out)
    for name, content in found.items():
        assert content == (experiment.folder / name).read_bytes(), f"{name} is not whole"
    return set(found)


def rerun(step: str, experiment: Experiment, out: Path) -> None:
    """Undisturbed after all that: the step makes what it made in peace."""
    child = start(arguments(step, experiment.folder, out), out / "step.log")
    assert child.communicate()[1] == ""
    assert child.returncode == 0
    assert whole(out, experiment) == set(PRODUCTS[step])


@pytest.mark.parametrize("step", TRIALS)
def test_killed_at_random_moments(
    step: str, experiment: Experiment, chance: random.Random, tmp_path: Path
) -> None:
    for number in (signal.SIGKILL, signal.SIGTERM):
        for _ in range(TRIALS[step]):
            child = start(arguments(step, experiment.folder, tmp_path), tmp_path / "step.log")
            time.sleep(chance.uniform(0, experiment.seconds[step]))
            child.send_signal(number)
            _, error = child.communicate()
            assert "Traceback" not in error
            # SIGTERM before the handler stands kills at once; after it the step says what it was.
            if child.returncode == 128 + signal.SIGTERM:
                assert error == "error: stopped by SIGTERM; rerun to go on\n"
            else:
                assert child.returncode in (-number, 0)
            whole(tmp_path, experiment)
    rerun(step, experiment, tmp_path)


@pytest.mark.parametrize("step", [*TRIALS, "train"])
def test_killed_while_saving(
    step: str, experiment: Experiment, chance: random.Random, tmp_path: Path
) -> None:
    """The kernel kills the process within the write that passes a size, drawn below the file's."""
    for name in chance.sample(PRODUCTS[step], min(len(PRODUCTS[step]), TRIALS.get(step, 1))):
        size = (experiment.folder / name).stat().st_size
        words = arguments(step, experiment.folder, tmp_path)
        child = start(words, file_size=chance.randrange(size), die=True)
        child.communicate()
        assert child.returncode == -signal.SIGXFSZ
        assert len(whole(tmp_path, experiment)) < len(PRODUCTS[step])
    rerun(step, experiment, tmp_path)


def test_sigterm_ends_a_step_that_waits(experiment: Experiment, tmp_path: Path) -> None:
    """Stopped while it reads a pipe that nobody fills: the step ends at once, in one line."""
    os.mkfifo(tmp_path / "rows.jsonl")
    given = {"sources": [{"local": str(tmp_path / "rows.jsonl")}], "format": "trl"}
    words = arguments("prepare-dataset", experiment.folder, tmp_path, dataset=given)
    child = start(words, tmp_path / "step.log")
    with (tmp_path / "rows.jsonl").open("w"):  # opens when the step has opened it too
        child.terminate()
        _, error = child.communicate(timeout=20)
    assert child.returncode == 128 + signal.SIGTERM
    assert error == "error: stopped by SIGTERM; rerun to go on\n"
    assert (tmp_path / "step.log").read_text().endswith(error)
    assert not (tmp_path / "data").exists()


def test_a_signal_that_an_import_made_another_error_of(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """As Python 3.11 does with what is raised within `__set_name__`, and transformers with that."""

    class Field:
        def __set_name__(self, owner: type, name: str) -> None:
            cli._stop(signal.SIGTERM, None)

    def app(arguments: list[str]) -> None:
        try:
            type("Owner", (), {"field": Field()})
        except RuntimeError as error:
            raise ModuleNotFoundError("Could not import module") from error

    monkeypatch.setattr(cli, "app", app)
    with pytest.raises(SystemExit) as stopped:
        cli.run([])
    assert stopped.value.code == 128 + signal.SIGTERM
    assert capfd.readouterr().err == "error: stopped by SIGTERM; rerun to go on\n"
