"""Rows of `trainer: trl` against ours, whole runs: the same pairs, settings, seed and order."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from loss_formulas import hyperparameters
from preferences import learnable_pairs
from safetensors.torch import load_file

from asft.config.trl_losses import TRL_LOSSES
from asft.data.tokens import TokenPair, write_tokens
from asft.losses import METHODS
from asft.training.reference import score_reference
from asft.training.train import train_policy

HELDOUT = 8
SETTINGS = {"learning_rate": 1e-3, "precision": "fp32", "save_dtype": "float32", "epochs": 1}
# Smaller still: the loss of the first grows as exp(-r), the others' beta is another quantity.
GIVEN = {
    "dpo_norm": {"beta": 5.0},
    "sppo_hard": {"beta": 0.3},
    "simpo": {"beta": 2.0, "gamma": 0.4},
}


def same_lengths(count, seed=0):
    """Pairs of one length: where TRL takes a mean over the tokens of a batch, ours is of pairs."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        prompt, rejected = (rng.integers(10, 60, 5, dtype=np.int32) for _ in range(2))
        chosen = (prompt[-1] + 1 + np.arange(6)).astype(np.int32)
        yield TokenPair(f"pair{number}", prompt, chosen, rejected)


def prepared(folder, pairs):
    splits = ["train"] * (len(pairs) - HELDOUT) + ["heldout"] * HELDOUT
    write_tokens(folder / "tokens", splits, pairs)
    return folder


def trained(folder, tiny, trainer, loss, **training):
    """History, weights and cost of a run."""
    out = folder / trainer
    out.mkdir()
    given = GIVEN.get(loss, hyperparameters(METHODS[loss]))
    for name in TRL_LOSSES[loss].ignored:
        given.pop(name, None)
    run = {"dataset": "toy", "method": loss, "seed": 3, "loss": loss, "hyperparameters": given}
    run |= {"training": SETTINGS | {"batch_size": 4} | training, "provenance": {}}
    run |= {"trainer": "trl"} if trainer == "trl" else {}
    (out / "settings.yaml").write_text(json.dumps(run))
    known = None
    if trainer == "asft" and METHODS[loss].needs_reference:
        known = folder / "reference.parquet"
        how = {"precision": "fp32", "mismatched": METHODS[loss].needs_mismatched}
        score_reference(json.dumps(how), tiny, folder / "tokens", known)
    train_policy(out / "settings.yaml", tiny, folder / "tokens", out, known)
    history = pd.read_csv(out / "history.csv")
    cost = json.loads((out / "cost.json").read_text())
    return history, load_file(out / "policy/model.safetensors"), cost


def heldout_losses(history):
    return history[history["split"] == "heldout"]["loss"].to_numpy()


def assert_alike(ours, theirs):
    """Held-out losses at every measurement, and the weights of the last.

    Sums are of packed rows here and of padded batches there, so their last bits differ; Adam
    divides by a gradient's size, which makes most of such a difference where gradients are near 0.
    """
    for column in ("step", "split", "learning_rate", "pairs", "tokens", "completion_tokens"):
        pd.testing.assert_series_equal(ours[0][column], theirs[0][column])
    np.testing.assert_allclose(heldout_losses(ours[0]), heldout_losses(theirs[0]), atol=1e-5)
    for key, weight in ours[1].items():
        torch.testing.assert_close(weight, theirs[1][key], rtol=0, atol=1e-4)


@pytest.mark.parametrize("loss", TRL_LOSSES)
def test_a_row_of_trl_learns_what_ours_does(tiny, tmp_path, loss):
    folder = prepared(tmp_path, list(same_lengths(24 + HELDOUT)))
    ours, theirs = (trained(folder, tiny, who, loss, measure_every=2) for who in ("asft", "trl"))
    assert_alike(ours, theirs)
    before = load_file(tiny / "model.safetensors")
    assert max((ours[1][key] - before[key]).abs().max() for key in before) > 1e-3
    assert abs(np.diff(heldout_losses(ours[0]))).min() > 1e-5  # it learns in each of the steps


@pytest.mark.parametrize(("loss", "batch_size"), [("dpo", 4), ("kto", 4), ("simpo", 3)])
def test_so_it_does_on_pairs_of_any_length(tiny, tmp_path, loss, batch_size):
    """Padded, in two epochs of another order each, with a last step of fewer pairs."""
    folder = prepared(tmp_path, learnable_pairs(10 + HELDOUT))
    changes = {"batch_size": batch_size, "epochs": 2}
    assert_alike(*(trained(folder, tiny, who, loss, **changes) for who in ("asft", "trl")))


@pytest.mark.parametrize("loss", ["sft", "cpo", "orpo_full_nll"])
def test_likelihood_is_a_mean_over_tokens_there_and_over_pairs_here(tiny, tmp_path, loss):
    """The same for pairs one by one, and for several of one length."""
    rng = np.random.default_rng(0)
    ids = [rng.integers(10, 60, n, dtype=np.int32) for n in range(2, 2 + 3 * (6 + HELDOUT))]
    parts = zip(*(ids[n::3] for n in range(3)), strict=True)
    folder = prepared(tmp_path, [TokenPair(f"pair{n}", *part) for n, part in enumerate(parts)])
    for batch_size in (1, 3):
        where = folder / str(batch_size)
        where.mkdir()
        (where / "tokens").symlink_to(folder / "tokens")
        ours, theirs = (
            trained(where, tiny, who, loss, batch_size=batch_size) for who in ("asft", "trl")
        )
        if batch_size == 1:
            assert_alike(ours, theirs)
        else:
            first = [run[0][run[0]["split"] == "train"].iloc[0] for run in (ours, theirs)]
            assert abs(first[0]["loss"] - first[1]["loss"]) > 1e-4
            assert abs(first[0]["grad_norm"] - first[1]["grad_norm"]) > 0.05
