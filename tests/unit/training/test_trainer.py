"""The trainer learns, moves the weights it should, and repeats itself exactly."""

import pytest
import torch
from loss_formulas import hyperparameters
from preferences import learnable_pairs

from asft.config.training import Training
from asft.errors import UserError
from asft.losses import METHODS
from asft.models.loading import load_policy
from asft.training import arguments
from asft.training.attention.pairs import PAIR_ATTENTION  # and registers it
from asft.training.mismatched import Mismatched
from asft.training.packing import pack
from asft.training.reference_logps import CachedReference, score_pairs, write_reference
from asft.training.reference_model import OnlineReference
from asft.training.trainer import PairTrainer

PAIRS, HELDOUT = learnable_pairs(32), learnable_pairs(8, seed=1)
TRAINING = Training(epochs=4, batch_size=4, learning_rate=3e-3, precision="fp32")


def trained(tiny, tmp_path, name, *, training=TRAINING, pairs=PAIRS, beta=0.1, seed=7):
    policy = load_policy(tiny, torch.float32, PAIR_ATTENTION)
    method = METHODS[name]
    given = {"beta": beta} if "beta" in method.hyperparameters() else {}
    reference = None
    if method.needs_reference:
        scored = [*pairs, *HELDOUT]
        if method.needs_mismatched:
            scored += [*Mismatched(pairs), *Mismatched(HELDOUT)]
        rows = pack(scored, 4096)
        write_reference(tmp_path / "reference.parquet", score_pairs(policy, rows, torch.float32))
        reference = CachedReference(tmp_path / "reference.parquet")
    if method.needs_model:
        own = load_policy(tiny, torch.float32, PAIR_ATTENTION)
        reference = OnlineReference(own, torch.float32)
    trainer = PairTrainer(
        policy,
        pairs,
        HELDOUT,
        method=method,
        hyperparameters=hyperparameters(method) | given,
        training=training,
        precision=torch.float32,
        seed=seed,
        output_dir=str(tmp_path),
        reference=reference,
    )
    trainer.train()
    return policy, trainer.history.rows()


def heldout(rows):
    return [row for row in rows if row["split"] == "heldout"]


def weights(policy):
    return torch.cat([p.detach().flatten() for p in policy.parameters()])


# One moves both down, the other begins by pushing the wrong way: see their tests.
OTHERWISE = ("apo_down", "discopop")


@pytest.mark.parametrize("name", sorted(METHODS))
def test_heldout_loss_falls_margin_rises_and_weights_move(tiny, tmp_path, name):
    before = weights(load_policy(tiny, torch.float32))
    # Gently: the forward KL has a gradient of exp(-r) where the reference is left behind.
    gentle = TRAINING.model_copy(update={"epochs": 2, "learning_rate": 1e-3})
    policy, rows = trained(tiny, tmp_path, name, training=gentle)
    first, *_, last = heldout(rows)
    if name != "wpo":  # its weights change with the policy, and the value with them
        assert last["loss"] < first["loss"]
    if name not in OTHERWISE:
        assert last["margin"] > first["margin"]
    after = weights(policy)
    assert after.isfinite().all()
    assert (after - before).abs().max() > 1e-3


@pytest.mark.parametrize("name", ["dpo", "ipo", "ipo_sum"])
def test_at_step_0_the_policy_is_the_reference(tiny, tmp_path, name):
    _, rows = trained(tiny, tmp_path, name, training=TRAINING.model_copy(update={"epochs": 0.1}))
    at_zero = {"dpo": 0.693147, "ipo": 25.0, "ipo_sum": 25.0}  # log 2; (1 / (2 · 0.1))²
    assert heldout(rows)[0]["loss"] == pytest.approx(at_zero[name], rel=1e-4)


def test_reference_methods_leave_the_reference_alone(tiny, tmp_path):
    before = (tiny / "model.safetensors").read_bytes()
    trained(tiny, tmp_path, "dpo")
    assert (tiny / "model.safetensors").read_bytes() == before


def test_two_runs_give_the_same_weights_and_another_seed_others(tiny, tmp_path):
    first, rows = trained(tiny, tmp_path, "asft")
    second, again = trained(tiny, tmp_path, "asft")
    other, _ = trained(tiny, tmp_path, "asft", seed=8)
    assert torch.equal(weights(first), weights(second))
    assert [r["loss"] for r in rows] == [r["loss"] for r in again]
    assert not torch.equal(weights(first), weights(other))


def test_asft_with_beta_0_trains_like_sft(tiny, tmp_path):
    # sft rows leave the rejected completions out, so only rounding may differ.
    asft, _ = trained(tiny, tmp_path, "asft", beta=0.0)
    sft, _ = trained(tiny, tmp_path, "sft")
    torch.testing.assert_close(weights(asft), weights(sft), atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize("name", ["asft", "orpo_full_nll"])
def test_token_budget_does_not_change_the_steps(tiny, tmp_path, name):
    whole, rows = trained(tiny, tmp_path, name)
    split, small = trained(
        tiny, tmp_path, name, training=TRAINING.model_copy(update={"token_budget": 30})
    )
    assert len(rows) == len(small)
    for a, b in zip(rows, small, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=2e-3)
        assert a["tokens"] == b["tokens"]
    torch.testing.assert_close(weights(whole), weights(split), atol=5e-4, rtol=1e-2)


def test_history_says_what_happened(tiny, tmp_path):
    _, rows = trained(tiny, tmp_path, "orpo", pairs=PAIRS[:10])
    train = [row for row in rows if row["split"] == "train"]
    assert [row["pairs"] for row in train] == [4, 4, 2] * 4
    assert [row["step"] for row in heldout(rows)] == [0, 3, 6, 9, 12]
    for row in train:
        assert row["seconds"] > 0
        assert row["grad_norm"] > 0
        assert row["margin"] == pytest.approx(row["logp_chosen"] - row["logp_rejected"], abs=1e-5)
        assert 0 <= row["accuracy"] <= 1
    rates = [row["learning_rate"] for row in train]
    assert max(rates) == pytest.approx(TRAINING.learning_rate, rel=0.05)
    assert rates[-1] < rates[len(rates) // 2] < max(rates)
    sft_rows = [r for r in trained(tiny, tmp_path, "sft")[1] if r["split"] == "train"]
    assert all(row["margin"] != row["margin"] for row in sft_rows)  # not looked at: NaN


def test_gradient_checkpointing_changes_nothing(tiny, tmp_path):
    plain, _ = trained(tiny, tmp_path, "asft")
    saved, _ = trained(
        tiny,
        tmp_path,
        "asft",
        training=TRAINING.model_copy(update={"gradient_checkpointing": True}),
    )
    torch.testing.assert_close(weights(plain), weights(saved), atol=1e-5, rtol=1e-4)


def test_moments_in_8_bits_train_much_alike(tiny, tmp_path):
    pytest.importorskip("bitsandbytes", reason="an extra: pip install 'asft[8bit]'")
    full, _ = trained(tiny, tmp_path / "32", "asft")
    small, history = trained(
        tiny,
        tmp_path / "8",
        "asft",
        training=TRAINING.model_copy(update={"optimizer": "adamw_8bit"}),
    )
    losses = [row["loss"] for row in heldout(history)]
    assert losses[-1] < losses[0]
    moved = [
        weights(policy) - weights(load_policy(tiny, torch.float32)) for policy in (full, small)
    ]
    assert torch.cosine_similarity(*moved, dim=0) > 0.9


def test_8_bits_without_their_package_are_refused(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(arguments, "find_spec", lambda name: None)
    training = TRAINING.model_copy(update={"optimizer": "adamw_8bit"})
    with pytest.raises(UserError, match="adamw_8bit needs bitsandbytes"):
        trained(tiny, tmp_path, "asft", training=training)
