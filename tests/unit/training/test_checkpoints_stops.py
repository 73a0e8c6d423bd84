"""A training that stops after a share of its steps, and goes on elsewhere to the same bytes."""

import json
import shutil

import pytest
import yaml
from preferences import learnable_pairs

from asft.data.tokens import write_tokens
from asft.errors import UserError
from asft.training.checkpoint_files import COMPLETE
from asft.training.train import train_policy

TRAINING = {"epochs": 2, "batch_size": 4, "learning_rate": 3e-3, "precision": "fp32"}


@pytest.fixture(scope="module")
def inputs(tiny, tmp_path_factory):
    """32 pairs in steps of 4, twice: 16 steps, of which the 8th ends an epoch."""
    folder = tmp_path_factory.mktemp("stops")
    write_tokens(folder / "tokens", ["train"] * 32 + ["heldout"] * 8, learnable_pairs(40))
    return {"model": tiny, "tokens": folder / "tokens"}


def train(inputs, out, until=None, **options):
    run = {"loss": "asft", "hyperparameters": {"beta": 0.1}, "seed": 7, "provenance": {}}
    run |= {"training": TRAINING, "method": out.name} | ({"until": until} if until else {})
    out.mkdir(exist_ok=True)
    (out / "settings.yaml").write_text(yaml.safe_dump(run))
    train_policy(settings=out / "settings.yaml", out=out, **inputs, **options)
    return out


def made(out):
    policy = {path.name: path.read_bytes() for path in (out / "policy").iterdir()}
    return policy | {"history": (out / "history.csv").read_bytes()}


@pytest.fixture(scope="module")
def whole(inputs, tmp_path_factory):
    return made(train(inputs, tmp_path_factory.mktemp("whole")))


def steps(out):
    return json.loads((out / "cost.json").read_text())["steps"]


def test_in_three_parts_it_is_the_same_training(inputs, whole, tmp_path):
    quarter = train(inputs, tmp_path / "quarter", 0.25)
    half = train(inputs, tmp_path / "half", 0.5, continue_from=quarter / "state")
    last = train(inputs, tmp_path / "last", continue_from=half / "state")
    assert made(last) == whole
    assert not (last / "state").exists()
    for out, count in ((quarter, 4), (half, 8)):
        rows = (out / "history.csv").read_text().splitlines()
        assert sum(",train," in row for row in rows) == count
        assert made(out)["model.safetensors"] != whole["model.safetensors"]
        assert [path.name for path in (out / "state").iterdir()] == [f"checkpoint-{count}"]
        assert not (out / "checkpoints").exists()


def test_killed_while_the_policy_was_saved_it_ends_where_it_should(inputs, tmp_path):
    out = train(inputs, tmp_path / "run", 0.25)
    once = made(out)
    shutil.copytree(out / "state", out / "checkpoints")  # as it was before the state was moved
    assert made(train(inputs, out, 0.25)) == once


def test_a_stop_at_the_last_step_leaves_a_state(inputs, whole, tmp_path):
    first = train(inputs, tmp_path / "first", 0.99)
    assert made(train(inputs, tmp_path / "last", continue_from=first / "state")) == whole


def test_a_damaged_state_is_refused(inputs, tmp_path):
    out = train(inputs, tmp_path / "run", 0.25)
    checkpoint = out / "state/checkpoint-4"
    (checkpoint / "optimizer.pt").write_bytes(b"0")
    with pytest.raises(UserError, match="checkpoint-4: damaged"):
        train(inputs, tmp_path / "next", 0.5, continue_from=out / "state")
    (checkpoint / COMPLETE).unlink()
    with pytest.raises(UserError, match="state: no state of a training"):
        train(inputs, tmp_path / "next", 0.5, continue_from=out / "state")
