"""Memory that runs out: one line that says which setting to lower, for Python and for torch."""

import json
from pathlib import Path

import pytest
from small_steps import Experiment, arguments, failure, row, start, write_rows


def test_a_file_larger_than_memory(experiment: Experiment, tmp_path: Path) -> None:
    huge = tmp_path / "rows.jsonl"
    with huge.open("wb") as file:
        file.truncate(4 * 2**30)  # takes no space: a file of holes
    given = {"format": "trl", "sources": [{"local": str(huge)}]}
    words = arguments("prepare-dataset", experiment.folder, tmp_path, dataset=given)
    error = failure(start(words, tmp_path / "step.log", memory=512))
    assert "out of memory" in error
    assert "give it a smaller file" in error
    assert not (tmp_path / "data").exists()


def test_a_step_of_training_larger_than_memory(experiment: Experiment, tmp_path: Path) -> None:
    """A batch of thousands of pairs in one row of a million tokens."""
    for name in ("model", "questions.jsonl"):
        (tmp_path / name).symlink_to(experiment.folder / name)
    write_rows(tmp_path, [row(n, chosen="Yes, " * 60 + f"{n}.") for n in range(600)])
    child = start(arguments("prepare-dataset", tmp_path, tmp_path), tmp_path / "step.log")
    assert child.communicate()[1] == ""
    training = {"batch_size": 600, "token_budget": 10**6, "precision": "fp32"}
    run = {"loss": "sft", "hyperparameters": {}, "seed": 1, "training": training, "provenance": {}}
    (tmp_path / "run").mkdir()
    (tmp_path / "run/settings.yaml").write_text(json.dumps(run))
    words = arguments("train", tmp_path, tmp_path / "out")
    del words[words.index("--reference") : words.index("--reference") + 2]
    error = failure(start(words, tmp_path / "step.log", memory=700))
    assert "out of memory" in error
    assert "lower training.token_budget" in error
    assert not (tmp_path / "out/policy").exists()
    assert "Traceback" in (tmp_path / "step.log").read_text()


@pytest.mark.parametrize("answers", [{"max_new_tokens": 10**7}])
def test_answers_longer_than_memory(
    answers: dict[str, int], experiment: Experiment, tmp_path: Path
) -> None:
    words = arguments("generate", experiment.folder, tmp_path, decoding=answers)
    error = failure(start(words, tmp_path / "step.log", memory=1024))
    assert "out of memory" in error
    assert "lower generation.batch_size, or the benchmark's decoding.max_new_tokens" in error
    assert not (tmp_path / "answers.jsonl").exists()
