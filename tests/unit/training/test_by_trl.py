"""Rows that TRL trains: what they leave behind, how they go on, and how they fail."""

import json
import os
import signal

import pandas as pd
import pytest
import torch
import trl
import yaml
from loss_formulas import hyperparameters
from preferences import learnable_pairs
from transformers import TrainerCallback

from asft.config.training import Training
from asft.config.trl_losses import TRL_LOSSES
from asft.data.tokens import write_tokens
from asft.errors import UserError
from asft.losses import METHODS
from asft.models.folders import load_tokenizer
from asft.models.loading import load_policy
from asft.training import by_trl
from asft.training.by_trl import TrlTrainer
from asft.training.train import train_policy

RUN = {"dataset": "toy", "method": "dpo_trl", "seed": 3, "trainer": "trl", "provenance": {}}
TRAINING = {"batch_size": 4, "epochs": 2, "learning_rate": 1e-3, "precision": "fp32"}


@pytest.fixture(scope="module")
def tokens(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokens")
    write_tokens(folder, ["train"] * 12 + ["heldout"] * 4, learnable_pairs(16))
    return folder


def train(tiny, tokens, out, loss="dpo", given=None, **training):
    out.mkdir(exist_ok=True)
    given = {"beta": 0.1} if given is None else given
    run = RUN | {"loss": loss, "hyperparameters": given, "training": TRAINING | training}
    (out / "settings.yaml").write_text(yaml.safe_dump(run))
    train_policy(out / "settings.yaml", tiny, tokens, out)
    return out


def test_it_leaves_the_files_of_any_run(tiny, tokens, tmp_path):
    out = train(tiny, tokens, tmp_path / "run")
    history = pd.read_csv(out / "history.csv")
    steps, heldout = (history[history["split"] == split] for split in ("train", "heldout"))
    assert steps["step"].tolist() == [1, 2, 3, 4, 5, 6]
    assert heldout["step"].tolist() == [0, 3, 6]
    assert heldout["loss"].iloc[0] == pytest.approx(0.693147, abs=1e-5)  # ln 2: its own reference
    for column in ("grad_norm", "logp_chosen_sum", "logp_rejected_sum", "margin_sum"):
        assert steps[column].notna().all()
    assert steps["logp_chosen"].isna().all()  # TRL does not say
    assert heldout.drop(columns=["learning_rate", "grad_norm"]).notna().all(axis=None)
    cost = json.loads((out / "cost.json").read_text())
    assert cost["trainer"] == f"TRL {trl.__version__}, DPOTrainer"
    assert cost["reference"] == by_trl.REFERENCE
    assert cost["reference_seconds"] > 0
    assert cost["pairs_per_second"] > 0
    assert not (out / "checkpoints").exists()


def test_precision_is_ours_not_trls_bf16(tiny, tokens, tmp_path):
    cost = {}
    for precision in ("fp32", "bf16"):
        out = train(tiny, tokens, tmp_path / precision, precision=precision)
        cost[precision] = pd.read_csv(out / "history.csv")["loss"]
    assert abs(cost["fp32"] - cost["bf16"]).max() < 0.02
    assert abs(cost["fp32"] - cost["bf16"]).max() > 1e-6


@pytest.mark.parametrize("loss", TRL_LOSSES)
def test_what_trl_turns_on_by_itself_is_as_in_the_config(tiny, tmp_path, loss):
    """bf16, checkpointing of gradients, 1024 tokens, another learning rate, shuffling or not."""
    pairs, given = learnable_pairs(4), hyperparameters(METHODS[loss])
    for name in TRL_LOSSES[loss].ignored:
        given.pop(name)
    for checkpointing in (False, True):
        training = Training(precision="fp32", gradient_checkpointing=checkpointing)
        common = {"hyperparameters": given, "training": training, "precision": torch.float32}
        policy, tokenizer = load_policy(tiny, torch.float32), load_tokenizer(tiny)
        where = {"seed": 5, "output_dir": str(tmp_path / str(checkpointing))}
        trainer = by_trl.trl_trainer(policy, pairs, [], loss, tokenizer, **common, **where)
        args = trainer.args
        assert args.activation_checkpointing is checkpointing
        assert (args.bf16, args.fp16, args.report_to, args.push_to_hub) == (False, False, [], False)
        longest = max(len(p.prompt) + max(len(p.chosen), len(p.rejected)) for p in pairs)
        assert args.max_length == longest
        assert (args.learning_rate, args.seed, args.data_seed) == (training.learning_rate, 5, 5)
        assert (args.per_device_train_batch_size, args.gradient_accumulation_steps) == (4, 1)
        assert args.train_sampling_strategy == "random"
        assert getattr(trainer, "ref_model", None) is None


@pytest.mark.parametrize("loss", ["dpo", "kto", "sft"])
def test_a_stopped_run_goes_on_to_the_same_bytes(tiny, tokens, tmp_path, loss, monkeypatch):
    given = {} if loss == "sft" else {"beta": 0.1}
    undisturbed = train(tiny, tokens, tmp_path / "undisturbed", loss, given)
    began = TrlTrainer.train

    class Stop(TrainerCallback):
        def on_step_end(self, args, state, control, **_):
            if state.global_step == 4:
                os.kill(os.getpid(), signal.SIGTERM)

    def stopped(self, **options):
        self.callback_handler.callbacks.insert(0, Stop())
        return began(self, **options)

    monkeypatch.setattr(TrlTrainer, "train", stopped)
    with pytest.raises(UserError, match="stopped by SIGTERM after step 4 of 6; the same command"):
        train(tiny, tokens, tmp_path / "run", loss, given)
    monkeypatch.undo()
    again = train(tiny, tokens, tmp_path / "run", loss, given)
    assert json.loads((again / "cost.json").read_text())["continued_from_step"] == 4
    for name in ("history.csv", "policy/model.safetensors"):
        assert (again / name).read_bytes() == (undisturbed / name).read_bytes()


def test_nobody_is_told_of_a_run(tiny, tokens, tmp_path, monkeypatch):
    """TRL reports each trainer that is made to its authors."""

    def sent(**_):
        pytest.fail("telemetry")

    monkeypatch.setattr(trl.trainer.base_trainer, "send_telemetry", sent)
    monkeypatch.delenv("CI", raising=False)
    train(tiny, tokens, tmp_path / "run")


def test_a_trl_that_has_moved_something_is_one_line(tiny, tokens, tmp_path, monkeypatch):
    def moved(*_, **given):
        raise TypeError(f"unexpected keyword argument {min(given)!r}")

    monkeypatch.setattr(trl, "DPOConfig", moved)
    with pytest.raises(UserError) as caught:
        train(tiny, tokens, tmp_path / "run")
    assert str(caught.value) == (
        f"TRL {trl.__version__}: its DPOTrainer does not do as that of 1.16 did, for which"
        " `trainer: trl` was written (TypeError: unexpected keyword argument"
        " 'accelerator_config'); pip install 'asft[trl]' installs that one"
    )


def test_a_step_that_trl_no_longer_knows_is_one_line(tiny, tokens, tmp_path, monkeypatch):
    monkeypatch.delattr(trl.DPOTrainer, "_compute_loss")
    with pytest.raises(UserError, match=r"its DPOTrainer does not do .*AttributeError: .*_compute"):
        train(tiny, tokens, tmp_path / "run")


def test_without_trl_it_says_how_to_install_it(tiny, tokens, tmp_path, monkeypatch):
    def missing(name):
        raise by_trl.import_module("importlib.metadata").PackageNotFoundError(name)

    monkeypatch.setattr(by_trl, "version", missing)
    with pytest.raises(UserError, match=r"^TRL is not installed: pip install 'asft\[trl\]'$"):
        train(tiny, tokens, tmp_path / "run")
