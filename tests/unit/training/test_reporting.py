"""Trackers of a training: TensorBoard's files equal history.csv; faults; what others are told."""

import struct

import pandas as pd
import pytest
import torch
import yaml
from judge_calls import CANARY
from preferences import learnable_pairs
from transformers import TrainerCallback
from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

from asft.config.training import Training
from asft.data.tokens import write_tokens
from asft.errors import UserError
from asft.losses import METHODS
from asft.models.loading import load_policy
from asft.training.attention.pairs import PAIR_ATTENTION  # and registers it
from asft.training.checkpoints import Checkpoints
from asft.training.fit import fit
from asft.training.reporting import report
from asft.training.train import train_policy
from asft.training.trainer import PairTrainer

PAIRS, HELDOUT = learnable_pairs(24), learnable_pairs(8, seed=1)
TRAINING = {
    **{"epochs": 2, "batch_size": 8, "learning_rate": 3e-3, "precision": "fp32"},
    **{"token_budget": 64, "measure_every": 2},
}
RUN = {"dataset": "toy", "method": "row", "seed": 7, "training": TRAINING, "provenance": {}}


def fields(message):
    """The fields of a protobuf message: number, and an integer or bytes."""
    place = 0

    def varint():
        nonlocal place
        value = shift = 0
        while True:
            byte = message[place]
            place, value, shift = place + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value

    while place < len(message):
        number, kind = divmod(varint(), 8)
        if kind == 0:
            yield number, varint()
            continue
        size = {1: 8, 5: 4}.get(kind) or varint()
        yield number, message[place : place + size]
        place += size


def scalars(folder):
    """(name, step, value) of all that one event file holds, by the formats' own descriptions."""
    [path] = folder.iterdir()
    assert ".tfevents." in path.name
    rest, found = path.read_bytes(), []
    while rest:  # length, its checksum, an event, its checksum
        [size] = struct.unpack("<Q", rest[:8])
        event, rest = dict(fields(rest[12 : 12 + size])), rest[16 + size :]
        for _, value in fields(event.get(5, b"")):
            about = dict(fields(value))
            found.append((about[1].decode(), event.get(2, 0), struct.unpack("<f", about[2])[0]))
    return found


def expected(history):
    """What they should hold: each cell of history.csv that is not empty."""
    rows = pd.read_csv(history).to_dict("records")
    group = {"train": "train", "heldout": "eval"}
    return [
        (f"{group[row['split']]}/{column}", row["step"], pytest.approx(value, rel=1e-6))
        for row in rows
        for column, value in row.items()
        if column not in ("step", "split") and value == value
    ]


@pytest.fixture(scope="module")
def tokens(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokens")
    write_tokens(folder, ["train"] * 24 + ["heldout"] * 8, [*PAIRS, *HELDOUT])
    return folder


def run(tiny, tokens, out, trackers=("tensorboard",), **changes):
    pytest.importorskip("tensorboardX")
    out.mkdir()
    given = {"loss": "asft", "hyperparameters": {"beta": 0.1}}
    (out / "settings.yaml").write_text(yaml.safe_dump(RUN | given | changes))
    train_policy(out / "settings.yaml", tiny, tokens, out, report_to=list(trackers))
    return out


def made(tiny, folder):
    """A trainer and its checkpoints, as a run has them."""
    trainer = PairTrainer(
        load_policy(tiny, torch.float32, PAIR_ATTENTION),
        PAIRS,
        HELDOUT,
        method=METHODS["sft"],  # whose rows lack numbers
        hyperparameters={},
        training=Training.model_validate(TRAINING),
        precision=torch.float32,
        seed=7,
        output_dir=str(folder / "checkpoints"),
    )
    about = (trainer.history, trainer.token_budget)
    return trainer, Checkpoints(folder / "checkpoints", "key", 0, *about)


def test_event_files_hold_the_history_and_change_nothing_else(tiny, tokens, tmp_path, monkeypatch):
    for variable in ("WANDB_API_KEY", "HF_TOKEN", "COMET_API_KEY"):
        monkeypatch.setenv(variable, CANARY)
    out = run(tiny, tokens, tmp_path / "reported")
    found = scalars(out / "tensorboard")
    assert found == expected(out / "history.csv")
    assert {"train/margin", "train/grad_norm", "eval/loss"} <= {name for name, _, _ in found}
    held = b"".join(path.read_bytes() for path in (out / "tensorboard").iterdir())
    assert CANARY.encode() not in held
    assert str(tmp_path).encode() not in held
    alone = run(tiny, tokens, tmp_path / "alone", trackers=())
    assert not (alone / "tensorboard").exists()
    for path in [out / "history.csv", *(out / "policy").iterdir()]:
        assert path.read_bytes() == (alone / path.relative_to(out)).read_bytes()


def test_rows_of_trl_are_reported(tiny, tokens, tmp_path):
    given = {"loss": "dpo", "trainer": "trl"}
    out = run(tiny, tokens, tmp_path / "trl", **given)
    assert scalars(out / "tensorboard") == expected(out / "history.csv")


def test_a_run_that_continues_tells_all_of_it_once(tiny, tmp_path):
    pytest.importorskip("tensorboardX")
    for stop_at in (3, None):
        trainer, checkpoints = made(tiny, tmp_path)

        class Stop(TrainerCallback):
            def on_step_end(self, args, state, control, stop_at=stop_at, own=checkpoints, **_):
                own.stopped_by = "SIGTERM" if state.global_step == stop_at else ""

        trainer.add_callback(Stop())
        report(trainer, ["tensorboard"], tmp_path, RUN)
        if stop_at:
            with pytest.raises(UserError, match="stopped by SIGTERM after step 3"):
                fit(trainer, checkpoints)
            assert {step for _, step, _ in scalars(tmp_path / "tensorboard")} == {0, 1, 2, 3}
        else:
            fit(trainer, checkpoints)
    trainer.history.write(tmp_path / "history.csv")
    assert scalars(tmp_path / "tensorboard") == expected(tmp_path / "history.csv")


class Tracker(TrainerCallback):
    """What a tracker is told, and where it fails."""

    def __init__(self, fails=""):
        self.fails, self.told = fails, []

    def on_train_begin(self, args, state, control, **_):
        self.told.append(("begin", state.global_step, args.run_name))
        if self.fails == "begin":
            raise RuntimeError("no key:\nset WANDB_API_KEY")

    def on_log(self, args, state, control, logs, **_):
        self.told.append(("log", state.global_step, dict(logs)))
        if self.fails == "log" and "loss" in logs:
            raise OSError("connection lost")

    def on_train_end(self, args, state, control, **_):
        self.told.append(("end", state.global_step, None))


def tracked(tiny, folder, monkeypatch, tracker):
    monkeypatch.setitem(INTEGRATION_TO_CALLBACK, "wandb", lambda: tracker)
    trainer, checkpoints = made(tiny, folder)
    report(trainer, ["wandb"], folder, RUN)
    fit(trainer, checkpoints)
    return trainer


def test_another_tracker_is_told_the_same(tiny, tmp_path, monkeypatch):
    tracker = Tracker()
    trainer = tracked(tiny, tmp_path, monkeypatch, tracker)
    assert tracker.told[0] == ("begin", 0, "toy/row/seed7")
    assert tracker.told[-1] == ("end", 6, None)
    assert sum(kind == "begin" for kind, *_ in tracker.told) == 1
    logs = [(step, logs) for kind, step, logs in tracker.told if kind == "log"]
    heldout = [(step, found["eval_loss"]) for step, found in logs if "eval_loss" in found]
    steps = [(step, found["loss"], found["grad_norm"]) for step, found in logs if "loss" in found]
    rows = trainer.history.rows()
    assert heldout == [(r["step"], r["loss"]) for r in rows if r["split"] == "heldout"]
    assert steps == [(r["step"], r["loss"], r["grad_norm"]) for r in rows if r["split"] == "train"]


def test_one_that_fails_costs_its_view_alone(tiny, tmp_path, monkeypatch, capsys):
    tracker = Tracker(fails="log")
    trainer = tracked(tiny, tmp_path, monkeypatch, tracker)
    assert len(trainer.history.rows()) == 10
    said = "training.report_to: wandb: connection lost; the training goes on without it\n"
    assert capsys.readouterr().err.count(said) == 1
    assert tracker.told[-1][:2] == ("log", 1)


def test_one_that_cannot_begin_ends_it_before_the_first_step(tiny, tmp_path, monkeypatch):
    said = r"^training.report_to: wandb: no key: set WANDB_API_KEY$"
    with pytest.raises(UserError, match=said):
        tracked(tiny, tmp_path, monkeypatch, Tracker(fails="begin"))


def test_a_package_that_is_missing_is_said_before_anything_is_read(tmp_path, monkeypatch):
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(RUN))
    monkeypatch.setattr("asft.config.trackers.find_spec", lambda name: None)
    said = r"tensorboard needs tensorboardX, .*: pip install 'asft\[tensorboard\]'"
    with pytest.raises(UserError, match=said):
        train_policy(*[tmp_path / "settings.yaml"] * 4, report_to=["tensorboard"])
