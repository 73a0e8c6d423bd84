"""The reference in memory: the cached numbers, as TRL moves it, and back from a checkpoint."""

import pytest
import torch
from preferences import learnable_pairs

from asft.models.loading import load_policy
from asft.models.tiny import tiny_model
from asft.training.attention.pairs import PAIR_ATTENTION  # and registers it
from asft.training.packing import pack
from asft.training.reference_logps import CachedReference, score_pairs, write_reference
from asft.training.reference_model import OnlineReference

PAIRS = learnable_pairs(6)


def loaded(folder):
    return load_policy(folder, torch.float32, PAIR_ATTENTION)


@pytest.fixture(scope="module")
def another(tmp_path_factory):
    folder = tmp_path_factory.mktemp("another")
    tiny_model(folder, seed=5)
    return folder


def test_what_it_computes_is_what_is_cached(tiny, tmp_path):
    rows = pack(PAIRS, 4096)
    write_reference(tmp_path / "r.parquet", score_pairs(loaded(tiny), rows, torch.float32))
    reference = OnlineReference(loaded(tiny), torch.float32)
    cached, found = CachedReference(tmp_path / "r.parquet")(rows[0]), reference(rows[0])
    again, logits = reference.with_logits(rows[0])
    assert logits.shape[0] == len(rows[0]["targets"])
    for one in (found, again):
        for side in ("chosen", "rejected"):
            torch.testing.assert_close(getattr(one, side), getattr(cached, side))
            torch.testing.assert_close(getattr(one.shared, side), getattr(cached.shared, side))


def test_it_follows_the_policy_by_a_share_or_wholly(tiny, another):
    policy, model = loaded(another), loaded(tiny)
    begun = [weight.clone() for weight in model.parameters()]
    reference = OnlineReference(model, torch.float32)
    reference.follow(policy, 0.25)
    for own, before, theirs in zip(model.parameters(), begun, policy.parameters(), strict=True):
        torch.testing.assert_close(own, 0.75 * before + 0.25 * theirs)
    reference.follow(policy, 1.0)
    assert all(map(torch.equal, model.parameters(), policy.parameters()))


def test_a_checkpoint_gives_its_weights_back(tiny, another, tmp_path):
    moved = OnlineReference(loaded(another), torch.float32)
    moved.save(tmp_path)
    model = loaded(tiny)
    OnlineReference(model, torch.float32).restore(tmp_path)
    assert all(map(torch.equal, model.parameters(), loaded(another).parameters()))
