"""Batch losses are exact: however pairs are packed, ordered and shared, the step is the same."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from preferences import learnable_pairs

from asft.config.training import Training
from asft.losses import METHODS, CompletionLogps, PairLogps, find_method
from asft.models.loading import load_policy
from asft.models.tiny import tiny_model
from asft.records import NO_NUMBERS
from asft.training.attention.pairs import PAIR_ATTENTION  # and registers it
from asft.training.batch_loss import look_ahead
from asft.training.mismatched import Mismatched
from asft.training.packing import pack
from asft.training.pair_logps import pair_logps
from asft.training.reference_logps import CachedReference, score_pairs, write_reference
from asft.training.reference_model import OnlineReference
from asft.training.trainer import PairTrainer

PAIRS, HELDOUT = learnable_pairs(24), learnable_pairs(8, seed=1)
TRAINING = Training(epochs=2, batch_size=8, learning_rate=3e-3, precision="fp32")
BATCH = {name: method for name, method in METHODS.items() if method.looks_at == "batch"}
BATCH["bco and wpo"] = find_method({"bco": 1.0, "wpo": 1.0})
BATCH["bco and ld_dpo"] = find_method({"bco": 1.0, "ld_dpo": 1.0})
BATCH["bco and tdpo2"] = find_method({"bco": 1.0, "tdpo2": 1.0})


@pytest.fixture(scope="module")
def reference(tiny, tmp_path_factory):
    path = tmp_path_factory.mktemp("reference") / "reference.parquet"
    policy = load_policy(tiny, torch.float32, PAIR_ATTENTION)
    rows = pack([*PAIRS, *HELDOUT, *Mismatched(PAIRS), *Mismatched(HELDOUT)], 4096)
    write_reference(path, score_pairs(policy, rows, torch.float32))
    return CachedReference(path)


def online(folder):
    return OnlineReference(load_policy(folder, torch.float32, PAIR_ATTENTION), torch.float32)


def given(method):
    known = {"beta": 0.5, "alpha": 0.3, "mix": 0.5, "every": 2}
    return {name: value for name, value in known.items() if name in method.hyperparameters()}


@pytest.fixture(scope="module")
def another(tmp_path_factory):
    """A model of other weights, from which divergences are not 0."""
    folder = tmp_path_factory.mktemp("another")
    tiny_model(folder, seed=5)
    return folder


def trained(tiny, reference, tmp_path, method, budget, pairs=PAIRS):
    """Weights after 6 steps, and what was measured of the held-out pairs."""
    policy = load_policy(tiny, torch.float32, PAIR_ATTENTION)
    if method.needs_model:
        reference = online(tiny)
    trainer = PairTrainer(
        policy,
        pairs,
        HELDOUT,
        method=method,
        hyperparameters=given(method),
        training=TRAINING.model_copy(update={"token_budget": budget}),
        precision=torch.float32,
        seed=7,
        output_dir=str(tmp_path),
        reference=reference,
    )
    trainer.train()
    assert trainer.state.global_step == 6
    rows = trainer.history.rows()
    weights = torch.cat([p.detach().flatten() for p in policy.parameters()])
    return weights, [row["loss"] for row in rows]


@pytest.mark.parametrize("name", BATCH)
def test_the_token_budget_leaves_steps_as_they_are(tiny, reference, tmp_path, name):
    """Rows of all pairs of a step, of some, and of one each."""
    whole, losses = trained(tiny, reference, tmp_path, BATCH[name], 4096)
    for budget in (64, 16):
        found, small = trained(tiny, reference, tmp_path, BATCH[name], budget)
        assert small == pytest.approx(losses, rel=1e-4)
        # AdamW divides by the root of a mean of squares: near 0 it makes rounding larger.
        torch.testing.assert_close(found, whole, atol=5e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["odpo", "ld_dpo", "tdpo1", "tdpo2", "tr_dpo"])
def test_the_token_budget_leaves_losses_of_pairs_as_they_are(tiny, reference, tmp_path, name):
    whole, losses = trained(tiny, reference, tmp_path, METHODS[name], 4096)
    found, small = trained(tiny, reference, tmp_path, METHODS[name], 128)
    assert small == pytest.approx(losses, rel=1e-4)
    torch.testing.assert_close(found, whole, atol=5e-5, rtol=1e-4)


def test_what_is_not_declared_is_another_loss(tiny, reference, tmp_path):
    """Why a batch loss must say so: row by row it is one that depends on the packing."""
    undeclared = replace(METHODS["aot"], looks_at="pair")
    whole, _ = trained(tiny, reference, tmp_path, undeclared, 4096)
    small, _ = trained(tiny, reference, tmp_path, undeclared, 16)
    assert (whole - small).abs().max() > 1e-3


@pytest.mark.parametrize("name", BATCH)
def test_gradients_are_those_of_all_pairs_in_one_row(tiny, another, reference, name):
    """Also with the rows in another order."""
    expected = gradients(tiny, another, reference, name, pack(PAIRS[:8], 4096))
    rows = pack(PAIRS[:8], 40)
    assert len(rows) > 2
    for order in (rows, rows[::-1]):
        found = gradients(tiny, another, reference, name, order)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def gradients(tiny, another, reference, name, rows):
    model = load_policy(tiny, torch.float32, PAIR_ATTENTION).eval()
    other = online(another)
    batch = {"rows": [dict(row) for row in rows], "counted": len(rows), "pairs": 8, "before": 0}
    if BATCH[name].needs_mismatched:
        others = pack(Mismatched(PAIRS).of(PAIRS[:8]), 64)
        batch["mismatched"] = {"rows": others, "counted": len(others), "before": 0}

    def seen(model, row):
        asked = {"collisions": BATCH[name].needs_collisions, "shared": BATCH[name].needs_shared}
        if BATCH[name].needs_divergences:
            asked["against"] = other.with_logits(row)[1]
        return pair_logps(model, row, **asked)

    def loss(policy, reference):
        policy = policy._replace(running=torch.tensor(0.25))
        return BATCH[name].loss(policy, reference, **given(BATCH[name]))

    def look(row):
        return seen(model, row), reference(row)

    look_ahead(batch, look, loss, model.device)
    for row in batch["rows"]:
        row["part"].losses(seen(model, row)).sum().backward()
    return torch.cat([p.grad.flatten() for p in model.parameters()])


def test_both_passes_draw_the_same_random_numbers_and_fillers_have_no_effect():
    """Dropout would else be of other neurons, and the coefficients of another loss."""
    drawn = []

    def look(row):
        sums = torch.rand(len(row["ids"]))
        drawn.append(sums)
        return PairLogps(*[CompletionLogps(-sums, torch.ones_like(sums))] * 3), None

    rows = [{"ids": ["a", "b"]}, {"ids": ["c"]}, {"ids": ["c"]}]
    batch = {"rows": rows, "counted": 2, "pairs": 3, "before": 0}
    look_ahead(batch, look, lambda policy, _: policy.chosen.sum**2, torch.device("cpu"))
    assert torch.equal(torch.rand(2), drawn[0])
    torch.testing.assert_close(rows[0]["part"].values, drawn[0] ** 2)
    torch.testing.assert_close(rows[1]["part"].slopes[0], -2 * drawn[1])
    assert not rows[2]["part"].slopes.any()
    assert not rows[2]["part"].values.any()


@pytest.mark.parametrize("name", ["kto", "bco", "aot_unpaired"])
def test_the_token_budget_leaves_steps_of_singles_as_they_are(tiny, tmp_path, name):
    """Rows of one completion, every second one a bad one, with weights of their own."""
    nothing = np.zeros(0, dtype=np.int32)
    rows = [
        pair._replace(
            **{"rejected" if n % 2 else "chosen": nothing},
            numbers=NO_NUMBERS._replace(weight=1.0 + n % 3),
        )
        for n, pair in enumerate(PAIRS)
    ]
    scored = score_pairs(
        load_policy(tiny, torch.float32, PAIR_ATTENTION),
        pack([*rows, *HELDOUT, *Mismatched(rows), *Mismatched(HELDOUT)], 4096),
        torch.float32,
    )
    write_reference(tmp_path / "reference.parquet", scored)
    reference = CachedReference(tmp_path / "reference.parquet")
    whole, losses = trained(tiny, reference, tmp_path, BATCH[name], 4096, rows)
    found, small = trained(tiny, reference, tmp_path, BATCH[name], 128, rows)
    assert small == pytest.approx(losses, rel=1e-4)
    torch.testing.assert_close(found, whole, atol=5e-5, rtol=1e-4)
    unweighted = [row._replace(numbers=NO_NUMBERS) for row in rows]
    other, _ = trained(tiny, reference, tmp_path, BATCH[name], 128, unweighted)
    assert (other - whole).abs().max() > 1e-4
