"""f-DPO: its limits are DPO, and each divergence pulls as its reward says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loss_formulas import Pair

ratios = st.floats(-8, 8)


@given(ratios, ratios)
def test_the_alpha_divergence_goes_from_the_reverse_to_the_forward_kl(r_w, r_l):
    pair = Pair(r_w, r_l)
    almost = pair.loss("dpo_alpha", beta=0.2, alpha=1e-7)
    assert almost == pytest.approx(pair.loss("dpo", beta=0.2), rel=1e-4)
    forward = pair.loss("dpo_forward_kl", beta=0.2)
    assert pair.loss("dpo_alpha", beta=0.2, alpha=1.0) == forward


def test_hand_worked_values():
    """Ratios of 2 and 1/2: rewards 1 - 1/2 and 1 - 2; log(4/3) and log(2/3)."""
    pair = Pair(0.6931471805599453, -0.6931471805599453)
    assert pair.loss("dpo_forward_kl", beta=2.0) == pytest.approx(0.0485874)  # L(3)
    assert pair.loss("dpo_js", beta=1.0) == pytest.approx(0.4054651)  # log(3/2): odds are 2 to 1


def test_forward_kl_pulls_hardest_where_the_reference_is_left_behind():
    """By exp(-r): a chosen completion that the policy has lost comes back first."""
    lost, kept = (Pair(r, r).pushes("dpo_forward_kl", beta=0.1)[0] for r in (-3.0, 3.0))
    assert lost / kept == pytest.approx(403.43, rel=1e-4)  # e^6
