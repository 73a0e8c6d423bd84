"""GPO's and FocalPO's shapes on DPO's margin: numbers by hand, and what each does with a pair."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loss_formulas import Pair

SHAPES = ("gpo_exponential", "gpo_truncated", "gpo_savage", "focalpo")


def test_hand_worked_values():
    # β Δ = log 3, whose σ is 3/4
    pair, beta = Pair(-2.0, -6.0, ref_w=-3.0, ref_l=-3.0), math.log(3) / 4
    assert pair.loss("gpo_exponential", beta=beta) == pytest.approx(1 / 3)
    assert pair.loss("gpo_savage", beta=beta) == pytest.approx(1 / 16)
    expected = -(0.75**2) * math.log(0.75)
    assert pair.loss("focalpo", beta=beta, gamma=2.0) == pytest.approx(expected)
    assert pair.loss("gpo_truncated", beta=0.125) == 0.25
    assert pair.loss("gpo_truncated", beta=0.5) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gpo_exponential", 1.0),
        ("gpo_truncated", 1.0),
        ("gpo_savage", 0.25),
        ("focalpo", 0.5**0.05 * math.log(2)),
    ],
)
def test_at_the_reference_each_is_a_known_constant(name, value):
    pair = Pair(-5.0, -9.0, 4, 7, ref_w=-5.0, ref_l=-9.0)
    assert pair.loss(name, beta=0.3) == pytest.approx(value)


@pytest.mark.parametrize("name", SHAPES)
@given(st.floats(-20, 20), st.floats(-20, 20))
def test_chosen_is_pushed_up_and_rejected_down(name, r_w, r_l):
    chosen, rejected = Pair(r_w, r_l).pushes(name, beta=0.05)
    assert chosen <= 0 <= rejected


@given(st.floats(-20, 20))
def test_focalpo_without_focus_is_dpo(margin):
    pair = Pair(margin, 0.0)
    assert pair.loss("focalpo", beta=0.5, gamma=0.0) == pair.loss("dpo", beta=0.5)


def test_what_is_far_on_the_wrong_side_moves_savage_least_and_the_exponential_most():
    """Of FocalPO too the push is less than DPO's there: its weight falls with the pair's rank."""
    wrong = Pair(-10.0, 0.0)
    dpo, savage, exponential, focal = (
        -wrong.pushes(name, beta=1.0)[0]
        for name in ("dpo", "gpo_savage", "gpo_exponential", "focalpo")
    )
    assert savage < focal < dpo < exponential
