"""Whatever goes wrong, the reader gets one line; tracebacks are for --debug and for logs."""

import subprocess
from pathlib import Path

import pytest
from small_steps import ASFT, Experiment, arguments, failure, start

from asft.cli.failures import is_full, one_line
from asft.config.data import Tokens
from asft.config.training import Training
from asft.errors import UserError, is_out_of_memory


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ASFT, *words], capture_output=True, text=True, check=False)


# A fault that no step foresees: --run is not JSON.
UNFORESEEN = ["settings", "--run", "{", "--data-card", "c", "--model-card", "c", "--out", "o"]


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    card = tmp_path / "card.json"
    card.write_text('{"fingerprint": ""}')
    return [str(card) if word == "c" else word for word in UNFORESEEN]


def test_what_nobody_foresaw_is_one_line_too(words: list[str], tmp_path: Path) -> None:
    done = run(*words)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: JSONDecodeError: Expecting property name")
    assert "damaged" not in done.stderr  # no file was read
    assert done.stderr.count("\n") == 1


def test_the_traceback_is_shown_with_debug(words: list[str]) -> None:
    done = run("--debug", *words)
    assert done.returncode == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: JSONDecodeError")


def test_the_log_keeps_the_traceback(words: list[str], tmp_path: Path) -> None:
    log = tmp_path / "new folder" / "step.log"
    error = failure(start(words, log))
    text = log.read_text()
    assert "Traceback (most recent call last)" in text
    assert text.endswith(error)


def test_what_a_user_can_mend_has_no_traceback_in_the_log(
    experiment: Experiment, tmp_path: Path
) -> None:
    words = arguments("score", tmp_path, tmp_path)
    assert failure(start(words, tmp_path / "step.log")).endswith("questions.jsonl: no such file\n")
    assert "Traceback" not in (tmp_path / "step.log").read_text()


@pytest.mark.parametrize("place", ["/proc/nowhere", "/dev/null/x"])
def test_places_that_cannot_be_written(place: str, experiment: Experiment, tmp_path: Path) -> None:
    """Not even root may make a folder there."""
    words = arguments("score", experiment.folder, Path(place))
    error = failure(start(words, tmp_path / "step.log"))
    assert error.startswith(f"error: {place}")
    done = run("--log", f"{place}/step.log", *words)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {place}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["tain"], "No such command 'tain'. Did you mean 'train'?"),
        (["train", "--lr", "1"], "No such option"),
        (["score", "--questions", "q"], "Missing option"),
        (["prepare-dataset", "--settings", "{}"], "Missing option"),
    ],
)
def test_mistyped_commands(words: list[str], part: str) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert part in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


class OutOfMemoryError(RuntimeError):
    """As torch names its own on a GPU, which the machine of a test may not have."""


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (UserError("a: b"), "a: b"),
        (OutOfMemoryError("CUDA out of memory. Tried to\nallocate"), "lower training.token_budget"),
        (MemoryError(), "out of memory (MemoryError); lower training.token_budget"),
        (OSError(12, "Cannot allocate memory"), "lower training.token_budget"),
        (OSError(28, "No space left on device", "/a/b"), "/a/b: No space left on device ("),
        (RuntimeError("I/O error: Disk quota exceeded (os error 122)"), "make room and rerun"),
        (RuntimeError("basic_ios::clear: iostream error"), "o: basic_ios::clear: iostream error ("),
        (PermissionError(13, "Permission denied", "/a/b"), "/a/b: Permission denied; make it"),
        (OSError(30, "Read-only file system", "/a"), "/a: Read-only file system; make it"),
        (IsADirectoryError(21, "Is a directory", "/a"), "/a: Is a directory"),
        (KeyError("training"), "KeyError: 'training'"),
        (ValueError("x" * 9999), "ValueError: " + "x" * 300),
        (ValueError(), "ValueError: ValueError"),
    ],
)
def test_what_the_line_says(error: Exception, line: str) -> None:
    found = one_line(error, ["--log", "l", "train", "--out", "o"])
    assert line in found
    assert "\n" not in found
    assert len(found) < 500


@pytest.mark.parametrize("step", ["train", "measure-cost", "reference"])
def test_memory_has_three_knobs(step: str) -> None:
    """Each is a setting; a knob that the config does not have helps nobody."""
    line = one_line(MemoryError(), ["--log", "l", step, "--out", "o"])
    named = [
        word.strip(",:;") for word in line.split() if word.startswith(("training.", "tokens."))
    ]
    assert len(named) == 3
    for section, _, key in (name.partition(".") for name in named):
        assert key in {"training": Training, "tokens": Tokens}[section].model_fields


def test_ordinary_errors_are_neither() -> None:
    for error in (ValueError("shape"), FileNotFoundError(2, "No such file", "a")):
        assert not is_out_of_memory(error)
        assert not is_full(error)
