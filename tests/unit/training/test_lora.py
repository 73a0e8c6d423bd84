"""LoRA: adapters alone train; the saved policy is the base plus what they learnt."""

import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml
from peft import PeftModel
from preferences import learnable_pairs
from safetensors.torch import load_file

from asft.data.tokens import write_tokens
from asft.models.loading import load_policy
from asft.parquet import read_parquet
from asft.training.attention.choose import implementation
from asft.training.packing import PackedByLength
from asft.training.reference import score_reference
from asft.training.reference_logps import COLUMNS, score_pairs

ASFT = Path(sys.executable).parent / "asft"


def command_of(folder, model, pairs, heldout, loss="asft", **training):
    write_tokens(
        folder / "tokens", ["train"] * pairs + ["heldout"] * heldout, PAIRS[: pairs + heldout]
    )
    run = {"loss": loss, "hyperparameters": {"beta": 0.1}, "seed": 7, "provenance": {}}
    run["training"] = {"batch_size": 4, "lora": {"rank": 4, "save_adapter": True}} | training
    (folder / "settings.yaml").write_text(yaml.safe_dump(run), encoding="utf-8")
    command = [ASFT, "train", "--model", model, "--tokens", folder / "tokens"]
    command += ["--settings", folder / "settings.yaml", "--out", folder / "run"]
    return list(map(str, command))


def train(folder, *arguments, options=(), **training):
    command = [*command_of(folder, *arguments, **training), *map(str, options)]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "run"


PAIRS = learnable_pairs(48)
SETTINGS = {"epochs": 6, "learning_rate": 2e-2, "precision": "fp32", "save_dtype": "float32"}


def heldout_losses(run):
    lines = [line.split(",") for line in (run / "history.csv").read_text().splitlines()]
    place = lines[0].index("loss")
    return [float(line[place]) for line in lines if line[1] == "heldout"]


@pytest.fixture(scope="module")
def tiny_run(tiny, tmp_path_factory):
    return train(tmp_path_factory.mktemp("lora"), tiny, 40, 8, **SETTINGS)


@pytest.fixture(scope="module")
def cached(tiny, tiny_run, tmp_path_factory):
    """The base's log-probabilities, as the DAG computes them."""
    path = tmp_path_factory.mktemp("reference") / "reference.parquet"
    score_reference(json.dumps({"precision": "fp32"}), tiny, tiny_run.parent / "tokens", path)
    return path


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


def test_the_reference_is_the_policy_with_its_adapter_off(tiny, tiny_run, cached):
    attention = implementation("auto", torch.device("cpu"), torch.float32)
    base = load_policy(tiny, torch.float32, attention)
    policy = PeftModel.from_pretrained(base, tiny_run / "policy" / "adapter")
    rows = list(PackedByLength(PAIRS, token_budget=4096))
    adapted = score_pairs(policy, rows, torch.float32).to_pydict()
    with policy.disable_adapter():
        found = score_pairs(policy, rows, torch.float32).to_pydict()
    expected = read_parquet(cached).to_pydict()
    assert found["id"] == expected["id"]
    for name in COLUMNS:
        assert found[name] == pytest.approx(expected[name], abs=1e-5)
    assert adapted["chosen_sum"] != pytest.approx(expected["chosen_sum"], abs=0.1)


def test_dpo_begins_at_its_reference(tiny, cached, tmp_path):
    """An untrained adapter adds nothing: no margin over the reference, a loss of log 2."""
    options = ["--reference", cached]
    run = train(tmp_path, tiny, 40, 8, "dpo", options=options, **SETTINGS | {"epochs": 1})
    losses = heldout_losses(run)
    assert losses[0] == pytest.approx(math.log(2), abs=1e-5)
    assert losses[-1] < losses[0] - 1e-3


def test_a_killed_run_continues_to_the_same_bytes(tiny, tiny_run, tmp_path):
    """And two runs give the same bytes."""
    command = command_of(tmp_path, tiny, 40, 8, **SETTINGS)
    environment = os.environ | {"ASFT_CHECKPOINT_MINUTES": "0.0001"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    out = tmp_path / "run"
    while not list((out / "checkpoints").glob("*/complete.json")):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    subprocess.run(command, check=True, capture_output=True)
    assert json.loads((out / "cost.json").read_text())["continued_from_step"] > 0
    for name in ("policy/model.safetensors", "history.csv"):
        assert (out / name).read_bytes() == (tiny_run / name).read_bytes(), name


@pytest.mark.model
def test_on_the_default_model(default_model, tmp_path):
    run = train(tmp_path, default_model, 8, 4, epochs=2, learning_rate=1e-3)
    losses = heldout_losses(run)
    assert losses[-1] < losses[0]
