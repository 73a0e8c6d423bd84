"""Losses of each completion by itself: numbers by hand, and which way they move it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loss_formulas import Pair

ratios = st.floats(-20, 20)


def test_hand_worked_values():
    # β r: chosen log 3, rejected -log 3; σ: 3/4 and 1/4, and of the margin 9/10
    pair, beta = Pair(2 * math.log(3), -2 * math.log(3)), 0.5
    assert pair.loss("apo_zero", beta=beta) == pytest.approx(0.25 + 0.25)
    assert pair.loss("apo_down", beta=beta) == pytest.approx(0.75 + 0.1)
    nca = -math.log(3 / 4) - math.log(1 / 4) / 2 - math.log(3 / 4) / 2
    assert pair.loss("nca", beta=beta) == pytest.approx(nca)
    # targets are ±1 / (2 · 0.25) = ±2
    pair = Pair(1.0, -1.0)
    assert pair.loss("sppo_hard", beta=0.25) == pytest.approx(2.0)
    assert pair.loss("cal_dpo", beta=0.25) == pytest.approx(2 + math.log(1 + math.exp(-2)))


@given(ratios, ratios)
def test_apo_zero_moves_chosen_up_and_rejected_down(r_w, r_l):
    chosen, rejected = Pair(r_w, r_l).pushes("apo_zero", beta=0.1)
    assert chosen < 0 < rejected


@given(ratios)
def test_apo_down_moves_both_down_and_the_rejected_further(r):
    chosen, rejected = Pair(r, r).pushes("apo_down", beta=0.1)
    assert rejected > 0
    assert rejected == pytest.approx(0.025)  # β σ'(0)
    assert chosen == pytest.approx(0.1 * _slope(0.1 * r) - 0.025)
    assert Pair(0.0, -30.0).pushes("apo_down", beta=0.1)[0] > 0


def _slope(x):
    return 1 / (1 + math.exp(-x)) / (1 + math.exp(x))


@pytest.mark.parametrize("name", ["sppo_hard", "cal_dpo"])
def test_rewards_are_pulled_to_their_targets(name):
    """±1/(2β); the pair's order adds a little to it in Cal-DPO."""
    chosen, rejected = Pair(5.0, -5.0).pushes(name, beta=0.1)
    assert chosen == pytest.approx(0, abs=1e-4)
    assert rejected == pytest.approx(0, abs=1e-4)
    chosen, rejected = Pair(9.0, -9.0).pushes(name, beta=0.1)
    assert chosen > 1
    assert rejected < -1


def test_nca_lets_the_chosen_reward_grow_only_so_far():
    """At σ = 2/3 its two terms are even: 1 - σ = σ / 2."""
    assert Pair(math.log(2), 0.0).pushes("nca", beta=1.0)[0] == pytest.approx(0, abs=1e-12)
    assert Pair(3.0, 0.0).pushes("nca", beta=1.0)[0] > 0
