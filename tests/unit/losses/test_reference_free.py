"""Losses without a reference: numbers by hand, and signs."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loss_formulas import Pair

sums = st.floats(-60, -0.1)
lengths = st.integers(1, 30)


def test_hand_worked_values():
    # means -1 and -2, sums -2 and -6
    pair = Pair(-2.0, -6.0, 2, 3)
    assert pair.loss("simpo", beta=2.0, gamma=0.5) == pytest.approx(math.log(1 + math.exp(-1.5)))
    assert pair.loss("cpo", beta=0.5) == pytest.approx(math.log(1 + math.exp(-2)) + 1)
    assert pair.loss("slic_hf", delta=5.0, sft_weight=0.1) == pytest.approx(1 + 0.2)
    assert pair.loss("slic_hf", delta=1.0, sft_weight=0.1) == pytest.approx(0.2)
    assert pair.loss("rrhf") == 2.0
    assert Pair(-6.0, -2.0, 3, 2).loss("rrhf") == 1 + 6.0
    # probabilities 1/4 and 1/16 of one token: rewards (1 - 2) / ½ and (1 - 4) / ½
    powers = Pair(-math.log(4), -math.log(16))
    found = powers.loss("alphapo", beta=0.5, gamma=1.0, alpha=0.5)
    assert found == pytest.approx(math.log(1 + math.exp(-1)))


@given(sums, sums, lengths, lengths)
def test_alphapo_without_alpha_is_simpo(s_w, s_l, n_w, n_l):
    pair, given_ = Pair(s_w, s_l, n_w, n_l), {"beta": 2.0, "gamma": 0.5}
    assert pair.loss("alphapo", alpha=0.0, **given_) == pair.loss("simpo", **given_)


@given(sums, lengths, lengths)
def test_simpo_does_not_care_for_length(s, n_w, n_l):
    """Completions of equal means at the target: half of the loss's largest push, any length."""
    pair = Pair(s * n_w, (s - 0.5) * n_l, n_w, n_l)
    chosen, rejected = pair.pushes("simpo", beta=2.0, gamma=1.0)
    assert chosen == pytest.approx(-1.0 / n_w, rel=1e-6)
    assert rejected == pytest.approx(1.0 / n_l, rel=1e-6)


@pytest.mark.parametrize("name", ["simpo", "alphapo", "cpo", "slic_hf", "rrhf"])
@given(sums, sums, lengths, lengths)
def test_chosen_is_pushed_up_and_rejected_down(name, s_w, s_l, n_w, n_l):
    given_ = {
        "simpo": {"beta": 0.2, "gamma": 0.1},
        "alphapo": {"beta": 0.2, "gamma": 0.1, "alpha": 0.1},
        "slic_hf": {"delta": 1.0, "sft_weight": 0.1},
    }
    chosen, rejected = Pair(s_w, s_l, n_w, n_l).pushes(name, **given_.get(name, {}))
    assert chosen <= 0 <= rejected


@pytest.mark.parametrize("name", ["slic_hf", "rrhf"])
def test_a_hinge_lets_go_of_a_pair_in_order(name):
    given_ = {"sft_weight": 0.0} | ({"delta": 1.0} if name == "slic_hf" else {})
    assert Pair(-1.0, -9.0).pushes(name, **given_) == [0, 0]
    assert Pair(-9.0, -1.0).pushes(name, **given_) == [-1, 1]
