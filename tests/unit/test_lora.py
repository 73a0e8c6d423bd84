"""LoRA: adapters alone train; the saved policy is the base plus what they learnt."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from preferences import learnable_pairs
from safetensors.torch import load_file

from asft.tokens import write_tokens

ASFT = Path(sys.executable).parent / "asft"


def train(folder, model, pairs, heldout, **training):
    write_tokens(
        folder / "tokens", ["train"] * pairs + ["heldout"] * heldout, PAIRS[: pairs + heldout]
    )
    run = {"loss": "asft", "hyperparameters": {"beta": 0.1}, "seed": 7, "provenance": {}}
    run["training"] = {"batch_size": 4, "lora": {"rank": 4, "save_adapter": True}} | training
    (folder / "settings.yaml").write_text(yaml.safe_dump(run), encoding="utf-8")
    command = [ASFT, "train", "--model", model, "--tokens", folder / "tokens"]
    command += ["--settings", folder / "settings.yaml", "--out", folder / "run"]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    return folder / "run"


PAIRS = learnable_pairs(48)


def heldout_losses(run):
    lines = [line.split(",") for line in (run / "history.csv").read_text().splitlines()]
    place = lines[0].index("loss")
    return [float(line[place]) for line in lines if line[1] == "heldout"]


@pytest.fixture(scope="module")
def tiny_run(tiny, tmp_path_factory):
    settings = {"epochs": 6, "learning_rate": 2e-2, "precision": "fp32", "save_dtype": "float32"}
    return train(tmp_path_factory.mktemp("lora"), tiny, 40, 8, **settings)


def test_it_learns_with_few_weights(tiny_run):
    losses = heldout_losses(tiny_run)
    assert losses[-1] < losses[0] - 0.1
    cost = json.loads((tiny_run / "cost.json").read_text())
    assert 0 < cost["trained_parameters"] < 0.2 * cost["parameters"]


def test_the_policy_is_the_base_plus_the_adapter(tiny, tiny_run):
    base = load_file(tiny / "model.safetensors")
    policy = load_file(tiny_run / "policy" / "model.safetensors")
    adapter = load_file(tiny_run / "policy" / "adapter" / "adapter_model.safetensors")
    assert base.keys() == policy.keys()
    changed = {name for name in base if not torch.equal(base[name].float(), policy[name])}
    assert changed
    assert all("proj" in name for name in changed)
    for name in changed:
        stem = "base_model.model." + name.removesuffix(".weight")
        a, b = adapter[f"{stem}.lora_A.weight"], adapter[f"{stem}.lora_B.weight"]
        expected = base[name].float() + (b @ a) * 32 / 4  # alpha / rank
        torch.testing.assert_close(policy[name], expected, atol=1e-5, rtol=1e-5)


def test_two_runs_give_the_same_bytes(tiny, tiny_run, tmp_path):
    settings = {"epochs": 6, "learning_rate": 2e-2, "precision": "fp32", "save_dtype": "float32"}
    again = train(tmp_path, tiny, 40, 8, **settings)
    for name in ("policy/model.safetensors", "history.csv"):
        assert (again / name).read_bytes() == (tiny_run / name).read_bytes()


@pytest.mark.model
def test_on_the_default_model(default_model, tmp_path):
    run = train(tmp_path, default_model, 8, 4, epochs=2, learning_rate=1e-3)
    losses = heldout_losses(run)
    assert losses[-1] < losses[0]
