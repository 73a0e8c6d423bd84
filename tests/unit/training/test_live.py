"""history.csv while it grows: a line a step, whole and single after a kill, in the end the file."""

import json
from pathlib import Path

import pytest
import torch
from preferences import learnable_pairs
from transformers import TrainerCallback

from asft.config.training import Training
from asft.errors import UserError
from asft.losses import METHODS
from asft.models.loading import load_policy
from asft.training.attention.pairs import PAIR_ATTENTION  # and registers it
from asft.training.checkpoints import Checkpoints
from asft.training.fit import fit
from asft.training.live import Live
from asft.training.trainer import PairTrainer

PAIRS, HELDOUT = learnable_pairs(24), learnable_pairs(8, seed=1)
TRAINING = Training(
    epochs=2, batch_size=8, learning_rate=3e-3, precision="fp32", token_budget=64, measure_every=2
)


class Look(TrainerCallback):
    """What somebody reads there in each step, and the signal or the blow that ends it."""

    def __init__(self, folder, checkpoints, stop_at):
        self.folder, self.checkpoints, self.stop_at = folder, checkpoints, stop_at
        self.texts, self.told = [], []

    def on_step_begin(self, args, state, control, **_):
        self.texts.append((self.folder / "history.csv").read_bytes())
        self.told.append(json.loads((self.folder / "progress.json").read_text()))

    def on_step_end(self, args, state, control, **_):
        if state.global_step == self.stop_at:
            self.checkpoints.stopped_by = "SIGTERM"


def train(tiny, folder, stop_at=None):
    trainer = PairTrainer(
        load_policy(tiny, torch.float32, PAIR_ATTENTION),
        PAIRS,
        HELDOUT,
        method=METHODS["asft"],
        hyperparameters={"beta": 0.1},
        training=TRAINING,
        precision=torch.float32,
        seed=7,
        output_dir=str(folder),
    )
    checkpoints = Checkpoints(folder, "key", 0, trainer.history, trainer.token_budget)
    look = Look(folder, checkpoints, stop_at)
    trainer.add_callback(look)
    if stop_at:
        with pytest.raises(UserError, match=f"stopped by SIGTERM after step {stop_at}"):
            fit(trainer, checkpoints)
    else:
        fit(trainer, checkpoints)
    trainer.history.write(folder / "written.csv")
    return look


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return folder, train(tiny, folder)


def test_it_grows_by_a_line_a_step_and_ends_as_the_file(whole):
    folder, look = whole
    written = (folder / "written.csv").read_bytes()
    assert (folder / "history.csv").read_bytes() == written
    assert [len(text.splitlines()) for text in look.texts] == [2, 3, 5, 6, 8, 9]  # 0, 2, 4 measured
    assert all(written.startswith(text) and text.endswith(b"\n") for text in look.texts)


def test_how_far_it_is_is_told(whole):
    folder, look = whole
    last = json.loads((folder / "progress.json").read_text())
    assert last["done"] == last["total"] == 6
    assert last["unit"] == "step"
    assert look.told[0]["done"] == 0
    assert last["seconds_each"] > 0
    assert last["tokens_per_second"] > 0
    assert last["memory_bytes"] > 1e6


def test_a_line_that_was_cut_short_and_one_behind_the_checkpoint_are_replaced(
    tiny, tmp_path, whole
):
    train(tiny, tmp_path, stop_at=3)
    grown = (tmp_path / "history.csv").read_bytes()
    assert grown == (tmp_path / "written.csv").read_bytes()
    # As if it had been killed while it wrote the line of the fifth step, and not been stopped.
    (tmp_path / "history.csv").write_bytes(grown + b"4,train,9\n5,train,0.12")
    look = train(tiny, tmp_path)
    assert look.texts[0] == grown
    written = (whole[0] / "written.csv").read_bytes()
    assert (tmp_path / "history.csv").read_bytes() == written
    assert (tmp_path / "written.csv").read_bytes() == written


def test_without_room_the_training_goes_on(tiny, tmp_path, monkeypatch, capsys, whole):
    begin = Live.begin
    with Path("/dev/full").open("ab", buffering=0) as full:

        def begin_on_a_full_disk(live, state):
            begin(live, state)
            live._file = full

        monkeypatch.setattr(Live, "begin", begin_on_a_full_disk)
        train(tiny, tmp_path)
    said = capsys.readouterr().err
    assert said.count(f"{tmp_path}/history.csv: No space left on device; the training goes on") == 1
    assert (tmp_path / "written.csv").read_bytes() == (whole[0] / "written.csv").read_bytes()
