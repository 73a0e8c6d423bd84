"""DPO and those that change a term of it: numbers by hand, signs, values at the reference."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from loss_formulas import Pair

from asft.losses import METHODS, CompletionLogps, PairLogps, dpo

ratios = st.floats(-20, 20)


def test_hand_worked_values():
    # rewards: chosen +1, rejected -3, margin 4
    pair = Pair(-2.0, -6.0, 2, 3, ref_w=-3.0, ref_l=-3.0)
    small = math.log(1 + math.exp(-2))  # L(2), and L(-2) is it + 2
    assert pair.loss("dpo", beta=0.5) == pytest.approx(small)
    assert pair.loss("dpo", beta=0.5, label_smoothing=0.25) == pytest.approx(small + 0.5)
    # (0.75 L(2) - 0.25 L(-2)) / 0.5
    assert pair.loss("robust_dpo", beta=0.5, label_smoothing=0.25) == pytest.approx(small - 1)
    assert pair.loss("ipo_sum", beta=0.5) == pytest.approx((4 - 1) ** 2)
    # per token: chosen +1/2, rejected -1, margin 3/2
    assert pair.loss("ipo", beta=0.5) == pytest.approx((1.5 - 1) ** 2)
    assert pair.loss("dpo_norm", beta=2.0) == pytest.approx(math.log(1 + math.exp(-3)))
    # the rejected is longer by one token: 0.5 · 4 - 0.5 · 1
    assert pair.loss("r_dpo", beta=0.5, alpha=0.5) == pytest.approx(math.log(1 + math.exp(-1.5)))
    assert pair.loss("hinge", beta=0.125) == 0.5
    assert pair.loss("hinge", beta=0.5) == 0
    # σ(log 3) = 3/4, to be 0.9
    odds = math.log(3) / 4
    expected = 0.75 * math.log(0.75 / 0.9) + 0.25 * math.log(0.25 / 0.1)
    assert pair.loss("exo", beta=odds, label_smoothing=0.1) == pytest.approx(expected)
    # with tau 1 the gate is the same 3/4
    expected = 0.25 * math.log(4 / 3) + 0.75 / 3
    assert pair.loss("discopop", beta=odds, tau=1.0) == pytest.approx(expected)
    # the chosen one lost 1 against the reference: margin 4 - 3 · 1
    fell = Pair(-4.0, -8.0, ref_w=-3.0, ref_l=-3.0)
    assert fell.loss("dpop", beta=1.0, penalty=3.0) == pytest.approx(math.log(1 + math.exp(-1)))


AT_THE_REFERENCE = {
    "dpo": math.log(2),
    "robust_dpo": math.log(2),
    "dpo_norm": math.log(2),
    "dpop": math.log(2),
    "dpo_alpha": math.log(2),
    "dpo_forward_kl": math.log(2),
    "dpo_js": math.log(2),
    "hinge": 1.0,
    "ipo": 1 / 0.6**2,
    "ipo_sum": 1 / 0.6**2,
    "exo": 0.5 * math.log(0.25 / (0.999 * 0.001)),
    "discopop": 0.5 * math.log(2) + 0.5,
    "apo_zero": 1.0,
    "apo_down": 1.0,
    "nca": 2 * math.log(2),
    "sppo_hard": 2 / 0.6**2,
    "cal_dpo": math.log(2) + 2 / 0.6**2,
}


@pytest.mark.parametrize("name", AT_THE_REFERENCE)
def test_at_the_reference_each_is_a_known_constant(name):
    pair = Pair(-5.0, -9.0, 4, 7, ref_w=-5.0, ref_l=-9.0)
    assert pair.loss(name, beta=0.3) == pytest.approx(AT_THE_REFERENCE[name])


def test_r_dpo_pushes_a_longer_chosen_completion_less():
    """Chosen 200 tokens, rejected 100: the push on the margin is σ(-1) where DPO's is 1/2."""
    long = Pair(-100.0, -50.0, 200, 100, ref_w=-100.0, ref_l=-50.0)
    short = Pair(-50.0, -100.0, 100, 200, ref_w=-50.0, ref_l=-100.0)
    given_ = {"beta": 1.0, "alpha": 0.01}
    assert -long.pushes("r_dpo", **given_)[0] == pytest.approx(0.268941, rel=1e-5)
    assert -short.pushes("r_dpo", **given_)[0] == pytest.approx(0.731059, rel=1e-5)
    assert -long.pushes("dpo", beta=1.0)[0] == 0.5


@given(ratios, st.floats(0, 0.45))
def test_robust_dpo_under_flips_at_its_rate_is_dpo_without(margin, rate):
    """Its mean over labels of which a share is flipped; label smoothing has another mean."""
    right, flipped = (Pair(s, 0.0, ref_w=0.0, ref_l=0.0) for s in (margin, -margin))
    losses = [p.loss("robust_dpo", beta=0.5, label_smoothing=rate) for p in (right, flipped)]
    mean = (1 - rate) * losses[0] + rate * losses[1]
    assert mean == pytest.approx(right.loss("dpo", beta=0.5), rel=1e-7, abs=1e-9)


def test_label_smoothing_stops_at_the_rates_log_odds():
    """The push is gone where σ(βΔ) is 1 - ε, and turns behind it."""
    rate, beta = 0.1, 0.5
    stop = math.log((1 - rate) / rate) / beta
    pushes = [
        Pair(s, 0.0).pushes("dpo", beta=beta, label_smoothing=rate)[0]
        for s in (stop - 1, stop, stop + 1)
    ]
    assert pushes[0] < 0 < pushes[2]
    assert pushes[1] == pytest.approx(0, abs=1e-12)


def test_dpop_holds_the_chosen_one_up_where_dpo_lets_it_fall():
    pair = Pair(-6.0, -20.0, ref_w=-5.0, ref_l=-5.0)
    chosen, rejected = pair.pushes("dpop", beta=0.1)
    assert -chosen == pytest.approx(51 * rejected)
    above = Pair(-4.0, -20.0, ref_w=-5.0, ref_l=-5.0)
    assert above.pushes("dpop", beta=0.1) == above.pushes("dpo", beta=0.1)
    at_first = Pair(-5.0, -5.0, ref_w=-5.0, ref_l=-5.0)
    assert at_first.pushes("dpop", beta=0.1) == at_first.pushes("dpo", beta=0.1)


RISING = ["dpo", "robust_dpo", "dpo_norm", "r_dpo", "dpop", "exo"]


@pytest.mark.parametrize("name", [*RISING, "dpo_alpha", "dpo_forward_kl", "dpo_js"])
@given(ratios, ratios)
def test_chosen_is_pushed_up_and_rejected_down(name, r_w, r_l):
    given_ = {"beta": 0.05} | ({"alpha": 0.1} if name in ("r_dpo", "dpo_alpha") else {})
    chosen, rejected = Pair(r_w, r_l).pushes(name, **given_)
    assert chosen <= 0 <= rejected


def test_discopop_begins_by_pushing_the_wrong_way():
    """As its authors note of the function that they found: between the two losses it has a dent."""
    assert Pair(0.0, 0.0).pushes("discopop")[0] > 0
    assert Pair(-20.0, 0.0).pushes("discopop")[0] < 0
    assert Pair(20.0, 0.0).pushes("discopop")[0] < 0


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99), st.floats(0.05, 2))
def test_theorem_a1_as_corrected(x1, x2, beta):
    """Eq. 16; Eq. 19 misprints the exponent's base in the second line."""
    x = torch.tensor([x1, x2], dtype=torch.float64, requires_grad=True)
    one, zero = torch.ones(1), torch.zeros(1)
    policy = PairLogps(CompletionLogps(x[:1].log(), one), CompletionLogps(x[1:].log(), one))
    uniform = PairLogps(CompletionLogps(zero, one), CompletionLogps(zero, one))
    dpo(policy, uniform, beta=beta).sum().backward()
    assert x.grad is not None
    total = x1**beta + x2**beta
    assert x.grad[0].item() == pytest.approx(-beta * x2**beta / (x1 * total), rel=1e-6)
    assert x.grad[1].item() == pytest.approx(beta * x2 ** (beta - 1) / total, rel=1e-6)


def test_those_of_ratios_need_a_reference():
    assert all(METHODS[name].needs_reference for name in AT_THE_REFERENCE)
