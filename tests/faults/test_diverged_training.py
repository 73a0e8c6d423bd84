"""Training that cannot go on: a loss that is no number, a disk without room for a checkpoint.

One clear line, no policy, and what was saved before stays.
"""

from pathlib import Path

import pytest
import torch
from judge_server import until
from safetensors.torch import load_file, save_file
from small_steps import Experiment, failed_here, failure, outputs, start, training

from asft.data.tokens import read_tokens


def test_a_learning_rate_beyond_reason(
    experiment: Experiment, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = training(experiment, tmp_path, learning_rate=1e30, max_grad_norm=1e30, epochs=4)
    error = failed_here(words, capfd)
    assert "training diverged: " in error
    assert "lower training.learning_rate (now 1e+30)" in error
    named = set(error.split("pairs ")[1].split(";")[0].split(", "))
    known = {pair.id for pair in read_tokens(tmp_path / "data/tokens", "train")}
    assert len(named) == 4
    assert named <= known
    assert not outputs(tmp_path / "out")


def test_a_base_policy_with_a_weight_that_is_no_number(
    experiment: Experiment, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = training(experiment, tmp_path)
    (tmp_path / "model").unlink()
    (tmp_path / "model").mkdir()
    for path in (experiment.folder / "model").iterdir():
        (tmp_path / "model" / path.name).write_bytes(path.read_bytes())
    path = tmp_path / "model/model.safetensors"
    weights = load_file(path)
    weights["model.layers.0.mlp.up_proj.weight"][0, 0] = torch.nan
    save_file(weights, path, metadata={"format": "pt"})
    error = failed_here(words, capfd)
    assert "training diverged: loss is nan at step 1, pairs " in error
    assert not outputs(tmp_path / "out")


def test_the_checkpoint_before_stays(
    experiment: Experiment, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The rate is 0 in the first step and absurd in the second: the third has no number."""
    words = training(experiment, tmp_path, learning_rate=1e30, max_grad_norm=1e30, epochs=4)
    error = failed_here([*words, "--checkpoint-minutes", "1e-9"], capfd)
    step = int(error.split("at step ")[1].split(",")[0])
    assert step > 1
    kept = sorted((tmp_path / "out/run/checkpoints").glob("checkpoint-*"))
    assert kept
    assert f"checkpoint-{step - 1}" in {path.name for path in kept}
    for path in kept:
        assert int(path.name.partition("-")[2]) < step
        assert (path / "complete.json").is_file()
        assert all(
            weight.isfinite().all() for weight in load_file(path / "model.safetensors").values()
        )


def test_a_full_disk_leaves_the_checkpoint_before(experiment: Experiment, tmp_path: Path) -> None:
    """The next checkpoint finds no room: one line, the last one stays, and the rerun goes on."""
    words = [*training(experiment, tmp_path, epochs=4), "--checkpoint-minutes", "1e-9"]
    folder = tmp_path / "out/run/checkpoints"
    child = start(words, tmp_path / "log")
    until(lambda: any(folder.glob("checkpoint-*/complete.json")))
    child.terminate()
    assert "stopped by SIGTERM after step" in child.communicate()[1]
    before = {path: path.stat().st_mtime for path in folder.glob("checkpoint-*/complete.json")}
    newest = max(before, key=lambda path: int(path.parent.name.partition("-")[2])).parent
    room = max(path.stat().st_size for path in newest.iterdir()) - 1
    error = failure(start(words, tmp_path / "log", file_size=room))
    assert str(tmp_path / "out/run") in error
    assert "make room and rerun: nothing half-written is kept" in error
    assert (newest / "complete.json").is_file()
    child = start(words, tmp_path / "log")
    assert child.communicate()[1] == ""
    assert f"continues from {newest}" in (tmp_path / "log").read_text()
    assert (tmp_path / "out/run/policy/model.safetensors").is_file()
