"""A training run that is killed or asked to stop goes on where it was, to the same bytes."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from preferences import learnable_pairs

from asft.tokens import write_tokens

ASFT = Path(sys.executable).parent / "asft"
TRAINING = {"epochs": 6, "batch_size": 4, "learning_rate": 3e-3, "precision": "fp32"}


@pytest.fixture(scope="module")
def inputs(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    pairs = learnable_pairs(40)
    write_tokens(folder / "tokens", ["train"] * 32 + ["heldout"] * 8, pairs)
    write_settings(folder / "settings.yaml")
    return ["--model", tiny, "--tokens", folder / "tokens", "--settings", folder / "settings.yaml"]


def write_settings(path, **training):
    run = {"loss": "asft", "hyperparameters": {"beta": 0.1}, "seed": 7, "provenance": {}}
    run["training"] = TRAINING | {"measure_every": 5} | training
    path.write_text(yaml.safe_dump(run), encoding="utf-8")


def start(inputs, out, minutes):
    return subprocess.Popen(
        [str(ASFT), "train", *map(str, inputs), "--out", str(out)],
        env=os.environ | {"ASFT_CHECKPOINT_MINUTES": str(minutes)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process, status=0):
    _, said = process.communicate(timeout=120)
    assert process.returncode == status, said
    return said


def made(out):
    policy = {path.name: path.read_bytes() for path in (out / "policy").iterdir()}
    return policy | {"history": (out / "history.csv").read_bytes()}


@pytest.fixture(scope="module")
def undisturbed(inputs, tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed")
    finish(start(inputs, out, minutes=0))
    return made(out)


def wait_for_step(out, step, process):
    def steps():
        return [int(p.name.partition("-")[2]) for p in (out / "checkpoints").glob("checkpoint-*")]

    while max(steps(), default=0) < step and process.poll() is None:
        time.sleep(0.005)


def test_killed_thrice_at_random_moments(inputs, undisturbed, tmp_path):
    seed = int(os.environ.get("ASFT_TEST_SEED", random.randrange(10**6)))
    print(f"ASFT_TEST_SEED={seed}")
    draw = random.Random(seed)
    for low, high in ((1, 10), (12, 25), (27, 44)):
        process = start(inputs, tmp_path, minutes=1e-6)
        wait_for_step(tmp_path, draw.randint(low, high), process)
        time.sleep(draw.random() * 0.2)  # sometimes in the middle of a step, sometimes of saving
        process.kill()
        process.communicate()
    said = finish(start(inputs, tmp_path, minutes=0))
    assert "continues from" in said
    assert made(tmp_path) == undisturbed
    assert not (tmp_path / "checkpoints").exists()
    assert json.loads((tmp_path / "cost.json").read_text())["continued_from_step"] > 0


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_asked_to_stop_it_saves_first(inputs, undisturbed, tmp_path, name):
    process = start(inputs, tmp_path, minutes=1e-6)
    wait_for_step(tmp_path, 3, process)
    process.send_signal(getattr(signal, name))
    said = finish(process, status=1)
    assert f"stopped by {name} after step" in said.strip().splitlines()[-1]
    assert not (tmp_path / "policy").exists()
    finish(start(inputs, tmp_path, minutes=0))
    assert made(tmp_path) == undisturbed


def test_damaged_and_foreign_checkpoints_are_not_continued(inputs, undisturbed, tmp_path):
    process = start(inputs, tmp_path, minutes=1e-6)
    wait_for_step(tmp_path, 3, process)
    process.send_signal(signal.SIGTERM)
    finish(process, status=1)
    (saved,) = (tmp_path / "checkpoints").glob("checkpoint-*")
    with (saved / "optimizer.pt").open("r+b") as file:
        file.truncate(100)
    said = finish(start(inputs, tmp_path, minutes=0))
    assert "continues from" not in said
    assert made(tmp_path) == undisturbed

    process = start(inputs, tmp_path, minutes=1e-6)
    wait_for_step(tmp_path, 3, process)
    process.send_signal(signal.SIGTERM)
    finish(process, status=1)
    write_settings(tmp_path / "other.yaml", learning_rate=1e-3)
    said = finish(start([*inputs[:-1], tmp_path / "other.yaml"], tmp_path, minutes=0))
    assert "continues from" not in said
    assert made(tmp_path) != undisturbed
