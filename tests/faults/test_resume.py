"""A training run that is killed or asked to stop goes on where it was, to the same bytes."""

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from preferences import learnable_pairs

from asft.data.tokens import write_tokens
from asft.training.checkpoint_files import checksums

ASFT = Path(sys.executable).parent / "asft"
TRAINING = {"epochs": 8, "batch_size": 4, "learning_rate": 3e-3, "precision": "fp32"}


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


def start(inputs, out, minutes, **environment):
    return subprocess.Popen(
        [str(ASFT), "train", *map(str, inputs), "--out", str(out)],
        env=os.environ | {"ASFT_CHECKPOINT_MINUTES": str(minutes)} | environment,
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


def saved(out):
    """Complete checkpoints, the newest first."""
    found = [marker.parent for marker in (out / "checkpoints").glob("*/complete.json")]
    return sorted(found, key=step_of, reverse=True)


def step_of(checkpoint):
    return int(checkpoint.name.partition("-")[2])


def wait_for_step(out, step, process):
    while max(map(step_of, saved(out)), default=0) < step and process.poll() is None:
        time.sleep(0.005)


def stop_after(step, inputs, out, **environment):
    """Interrupt a run that saves after every step."""
    process = start(inputs, out, minutes=1e-6, **environment)
    wait_for_step(out, step, process)
    process.send_signal(signal.SIGTERM)
    finish(process, status=1)


def test_killed_thrice_at_random_moments(inputs, undisturbed, tmp_path, chance):
    for low, high in ((1, 10), (12, 25), (27, 44)):
        process = start(inputs, tmp_path, minutes=1e-6)
        wait_for_step(tmp_path, chance.randint(low, high), process)
        time.sleep(chance.random() * 0.2)  # sometimes in the middle of a step, sometimes of saving
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL  # 64 steps are not over before
        seen = (tmp_path / "checkpoints/history.csv").read_bytes().splitlines(keepends=True)
        whole = b"".join(line for line in seen if line.endswith(b"\n"))
        assert len(seen) > step_of(saved(tmp_path)[0])
        assert undisturbed["history"].startswith(whole)
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


@pytest.fixture(scope="module")
def stopped(inputs, tmp_path_factory):
    out = tmp_path_factory.mktemp("stopped")
    stop_after(3, inputs, out)
    return out


@pytest.fixture
def interrupted(stopped, tmp_path):
    """A folder of its own with a run's two checkpoints."""
    return shutil.copytree(stopped, tmp_path / "out")


class Planted:
    """Leaves a file behind if it is ever unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


def cut(path):
    with path.open("r+b") as file:
        file.truncate(100)


def scramble(path):
    path.write_bytes(os.urandom(path.stat().st_size))


DAMAGES = {
    "cut weights": lambda path: cut(path / "model.safetensors"),
    "garbage of the same size": lambda path: scramble(path / "optimizer.pt"),
    "other weights of the same size": lambda path: scramble_end(path / "model.safetensors"),
    "no trainer_state.json": lambda path: (path / "trainer_state.json").unlink(),
    "no marker": lambda path: (path / "complete.json").unlink(),
}


def scramble_end(path):
    """The header stays: the file can be loaded."""
    with path.open("r+b") as file:
        file.seek(-64, os.SEEK_END)
        file.write(os.urandom(64))


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_leads_to_the_one_before(inputs, undisturbed, interrupted, damage):
    newest, before = saved(interrupted)
    DAMAGES[damage](newest)
    said = finish(start(inputs, interrupted, minutes=0))
    assert len([line for line in said.splitlines() if line.startswith(f"{newest}: ")]) == 1
    assert f"continues from {before}" in said
    assert json.loads((interrupted / "cost.json").read_text())["continued_from_step"] == step_of(
        before
    )
    assert made(interrupted) == undisturbed


def test_two_damaged_checkpoints_lead_to_the_start(inputs, undisturbed, interrupted):
    for checkpoint in saved(interrupted):
        scramble(checkpoint / "optimizer.pt")
    said = finish(start(inputs, interrupted, minutes=0))
    assert said.count("damaged (optimizer.pt); not continued") == 2
    assert "continues from" not in said
    assert made(interrupted) == undisturbed


@pytest.mark.parametrize("name", ["optimizer.pt", "rng_state.pth", "model.safetensors"])
def test_what_cannot_be_loaded_fails_once(inputs, undisturbed, interrupted, name):
    """Somebody has planted it and made the checksums right: nothing in it is run."""
    newest, before = saved(interrupted)
    (newest / name).write_bytes(pickle.dumps(Planted(interrupted / "run")))
    marker = json.loads((newest / "complete.json").read_text())
    marker["files"] = checksums(newest)
    (newest / "complete.json").write_text(json.dumps(marker))
    said = finish(start(inputs, interrupted, minutes=0), status=1).strip().splitlines()
    assert said[-1].startswith(f"error: {newest}: cannot be loaded")
    said = finish(start(inputs, interrupted, minutes=0))
    assert f"continues from {before}" in said
    assert made(interrupted) == undisturbed
    assert not (interrupted / "run").exists()


def test_a_checkpoint_of_other_settings_is_not_continued(inputs, undisturbed, interrupted):
    write_settings(interrupted / "other.yaml", learning_rate=1e-3)
    said = finish(start([*inputs[:-1], interrupted / "other.yaml"], interrupted, minutes=0))
    assert "of other settings; not continued" in said
    assert "continues from" not in said
    assert made(interrupted) != undisturbed


def test_a_second_attempt_with_more_memory_packs_as_the_first(inputs, tmp_path):
    """`token_budget: auto` is what it was when the run began."""
    write_settings(tmp_path / "large.yaml", batch_size=32, epochs=40)
    large = [*inputs[:-1], tmp_path / "large.yaml"]
    little, much = ({"SLURM_MEM_PER_NODE": size} for size in ("600", "64000"))
    finish(start(large, tmp_path / "undisturbed", minutes=0, **little))
    finish(start(large, tmp_path / "other", minutes=0, **much))
    # Else the test would see nothing: rows of another length are sums in another order.
    assert made(tmp_path / "other") != made(tmp_path / "undisturbed")
    stop_after(3, large, tmp_path / "resumed", **little)
    said = finish(start(large, tmp_path / "resumed", minutes=0, **much))
    assert "continues from" in said
    assert made(tmp_path / "resumed") == made(tmp_path / "undisturbed")
