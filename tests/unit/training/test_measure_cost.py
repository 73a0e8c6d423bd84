"""Figure 2(b)'s measurement: one file per arm, each of training alone."""

import json

import pytest
from preferences import learnable_pairs

from asft.data.tokens import write_tokens
from asft.figures.cost import ARMS, read_measurements
from asft.training import measure_training_cost, reference_logps

SETTINGS = {
    "training": {"batch_size": 2, "learning_rate": 1e-3, "precision": "fp32", "token_budget": 64},
    "hyperparameters": {"beta": 0.1},
    "steps": 3,
    "seed": 1,
}


def test_every_arm_is_measured_and_the_cache_is_made_elsewhere(tiny, tmp_path, monkeypatch):
    """A peak of memory counts a process's whole life: the cache's must not be in it."""

    def here(*_):
        pytest.fail("scored in the process whose memory is measured")

    monkeypatch.setattr(reference_logps, "score_pairs", here)  # another process imports it anew
    write_tokens(tmp_path / "tokens", ["train"] * 4, learnable_pairs(4))
    files = []
    for arm in ARMS:
        files.append(tmp_path / f"{arm}.json")
        measure_training_cost(json.dumps(SETTINGS), arm, tiny, tmp_path / "tokens", files[-1], 1)
    found = {each.arm: each for each in read_measurements(files)}
    assert set(found) == set(ARMS)
    assert found["dpo_cached"].reference_seconds_per_pair > 0
    assert found["dpo_trl"].reference_seconds_per_pair > 0
    assert found["asft"].reference_seconds_per_pair == 0
    assert found["dpo_online"].reference_seconds_per_pair == 0
    assert all(each.tokens_per_second > 0 and each.pairs == 6 for each in found.values())
