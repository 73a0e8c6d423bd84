"""Too little data, none that can be used, texts too long: it works, or says why not."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load_file
from small_steps import (
    GENERATION,
    RUN,
    Experiment,
    arguments,
    done_here,
    failed_here,
    outputs,
    row,
    write_rows,
)

from asft.files import read_jsonl, write_jsonl
from asft.records import Completion, Question


@pytest.fixture
def given(experiment: Experiment, tmp_path: Path) -> Path:
    folder = tmp_path / "given"
    folder.mkdir()
    for name in ("model", "questions.jsonl"):
        (folder / name).symlink_to(experiment.folder / name)
    return folder


def settings(given: Path, tokens: dict[str, int] | None = None, **dataset: Any) -> dict[str, Any]:
    about = {"format": "trl", "sources": [{"local": str(given / "rows.jsonl")}]}
    return {"dataset": about | dataset, "tokens": tokens or {"max_length": 512}}


@pytest.mark.parametrize(
    ("rows", "changes", "message"),
    [
        ([], {}, "no usable row of 0 rows"),
        ([row(1, "same", "same")] * 3, {}, "no usable row of 3 rows, identical_completions 3"),
        ([row(1)], {"heldout": 1}, "datasets.toy.heldout: 1 pairs cannot be held out: 1 usable"),
        ([row(1), row(2)], {"heldout": 9}, "9 pairs cannot be held out: 2 usable pairs"),
        ([row(1, "a " * 999)], {"tokens": {"max_length": 5}}, "no usable row of 1 rows, overlong"),
        ([row(1), *[row(2, "", "")] * 3], {}, "75.0% unusable of 4 rows"),
    ],
)
def test_refused(
    rows: list[dict[str, Any]],
    changes: dict[str, Any],
    message: str,
    given: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    write_rows(given, rows)
    words = arguments("prepare-dataset", given, tmp_path / "out", **settings(given, **changes))
    assert message in failed_here(words, capfd)
    of_rows = ["data/counts.json"] if "usable" in message.partition("cannot be held")[0] else []
    assert list(outputs(tmp_path / "out")) == of_rows  # why, reason by reason


def trained(given: Path, **training: Any) -> pd.DataFrame:
    """History of an SFT run on the data set in `given`."""
    done_here(training_words(given, **training))
    assert (given / "run/policy/model.safetensors").is_file()
    return pd.read_csv(given / "run/history.csv")


def training_words(given: Path, **training: Any) -> list[str]:
    run = RUN | {"loss": "sft", "hyperparameters": {}, "provenance": {}}
    run["training"] = RUN["training"] | training  # type: ignore[operator]
    (given / "run").mkdir()
    (given / "run/settings.yaml").write_text(yaml.safe_dump(run))
    words = arguments("train", given, given)
    del words[words.index("--reference") : words.index("--reference") + 2]
    return words


def test_one_row_in_a_batch_of_64(given: Path) -> None:
    write_rows(given, [row(1)])
    done_here(arguments("prepare-dataset", given, given, **settings(given)))
    history = trained(given, batch_size=64, epochs=2)
    assert list(history["pairs"]) == [1, 1]  # a step an epoch, nothing held out
    assert list(history["learning_rate"]) == [5e-4, 1e-3]  # one of them warms up


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_every_step_of_a_short_run_learns(steps: int, given: Path, tmp_path: Path) -> None:
    """Also the first, in which transformers' warm-up has a learning rate of 0."""
    write_rows(given, [row(number) for number in range(steps)])
    done_here(arguments("prepare-dataset", given, given, **settings(given)))
    history = trained(given, batch_size=1, save_dtype="float32", epochs=1)
    assert len(history) == steps
    assert (history["learning_rate"] > 0).all()
    saved, base = (load_file(given / f"{f}/model.safetensors") for f in ("run/policy", "model"))
    assert not all(torch.equal(saved[name], base[name]) for name in saved)


def test_a_run_that_changes_no_weight_is_refused_and_keeps_its_history(
    given: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_rows(given, [row(number) for number in range(4)])
    done_here(arguments("prepare-dataset", given, given, **settings(given)))
    words = training_words(given, learning_rate=1e-60)
    assert "training has changed no weight that is saved (in bfloat16)" in failed_here(words, capfd)
    assert not (given / "run/policy").exists()
    assert len(pd.read_csv(given / "run/history.csv")) == 1


def test_completions_longer_than_the_limit_lose_their_end(given: Path) -> None:
    """One token is left of both completions; the loss is that of one token."""
    write_rows(given, [row(n, f"Yes {n} {'very ' * 50}", f"No {n}") for n in range(8)])
    done_here(arguments("prepare-dataset", given, given, **settings(given)))
    lengths = json.loads((given / "data/counts.json").read_text())["lengths"]
    limit = {"max_length": lengths["prompt"]["max"] + 1}
    done_here(arguments("prepare-dataset", given, given, **settings(given, tokens=limit)))
    card = json.loads((given / "data/counts.json").read_text())
    assert card["truncated_chosen"] == card["truncated_rejected"] == 8
    assert card["lengths"]["chosen"]["max"] == 1
    assert trained(given, batch_size=8)["completion_tokens"].tolist() == [8]


def ask(given: Path, turns: list[list[str]], **decoding: int) -> list[str]:
    questions = [Question(question_id=f"q{n}", turns=texts) for n, texts in enumerate(turns)]
    (given / "questions.jsonl").unlink()
    write_jsonl(given / "questions.jsonl", questions)
    changes = {"decoding": decoding} if decoding else {}
    return arguments("generate", given, given, **GENERATION | changes)


def test_a_question_longer_than_the_context(given: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Refused before any other is answered, though it comes last."""
    error = failed_here(ask(given, [["Short?"]] * 3 + [["long " * 3000]]), capfd)
    assert "question_id 'q3': its prompt has " in error
    assert "the model's context 2048; shorten or leave out the question" in error
    assert (given / "answers.partial").read_text().count("\n") == 1  # its key alone
    assert not (given / "answers.jsonl").exists()


def test_a_conversation_that_outgrows_the_context(
    given: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    error = failed_here(ask(given, [["Is it? " * 250, "And is this? " * 250]]), capfd)
    assert "question_id 'q0': its prompt has " in error


def test_one_question_in_a_batch_of_two(given: Path) -> None:
    done_here(ask(given, [["Alone?"]]))
    assert len(read_jsonl(given / "answers.jsonl", Completion)) == 1


def test_an_empty_question_and_an_empty_benchmark(
    given: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    done_here(ask(given, [[""]]))
    done_here(ask(given, []))
    assert read_jsonl(given / "answers.jsonl", Completion) == []
    assert "no questions" in failed_here(arguments("score", given, tmp_path), capfd)
