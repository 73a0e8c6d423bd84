"""ODPO: numbers by hand, pushes that grow with the score margin, finite at none."""

import math

import pytest
from loss_formulas import Pair


def test_hand_worked_offsets():
    # margin 4, to exceed log 2 or 2
    pair = Pair(-2.0, -6.0, ref_w=-3.0, ref_l=-3.0, margin=2.0)
    expected = math.log(1 + math.exp(-(4 * 0.5 - math.log(2))))
    assert pair.loss("odpo", beta=0.5) == pytest.approx(expected)
    expected = math.log(1 + math.exp(-(4 * 0.5 - 3 * 2)))
    assert pair.loss("odpo_linear", beta=0.5, alpha=3.0) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["odpo", "odpo_linear"])
def test_a_larger_score_margin_pushes_further_apart(name):
    pairs = [Pair(-2.0, -6.0, ref_w=-3.0, ref_l=-3.0, margin=m) for m in (0.5, 3.0)]
    small, large = (pair.pushes(name, beta=0.5) for pair in pairs)
    assert large[0] < small[0] < 0 < small[1] < large[1]
    assert pairs[0].pushes(name, beta=0.5, alpha=0) == pairs[0].pushes("dpo", beta=0.5)


def test_a_score_margin_of_nothing_has_a_finite_logarithm():
    same, less = (Pair(-2.0, -6.0, margin=m).loss("odpo", beta=0.5) for m in (0.0, -1.0))
    assert less == same < math.inf
