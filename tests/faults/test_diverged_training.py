"""A loss that is no number stops the training: one clear line, and no policy is saved."""

from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from small_steps import RUN, Experiment, arguments, failed_here, outputs

from asft.steps.settings import read_settings
from asft.tokens import read_tokens


def training(experiment: Experiment, folder: Path, **changes: object) -> list[str]:
    """The step `train` with changed settings."""
    for name in ("model", "data"):
        (folder / name).symlink_to(experiment.folder / name)
    settings = read_settings(experiment.folder / "run/settings.yaml")
    settings |= {"training": RUN["training"] | changes, "provenance": {}}  # type: ignore[operator]
    (folder / "run").mkdir()
    (folder / "run/settings.yaml").write_text(yaml.safe_dump(settings))
    return arguments("train", folder, folder / "out")


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
