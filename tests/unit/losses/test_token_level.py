"""WPO: its weights by hand, and that they are constants."""

import math

import pytest
from loss_formulas import Pair


def test_hand_worked_wpo():
    # m - c: chosen -1/2 + 1/4, rejected -2 + 1/4; at the reference
    pair = Pair(-1.0, -8.0, 2, 4, ref_w=-1.0, ref_l=-8.0, c_w=-0.5, c_l=-1.0)
    assert pair.loss("wpo", beta=0.1) == pytest.approx(math.exp(-2) * math.log(2))


def test_its_push_is_dpos_times_the_weight():
    pair = Pair(-1.0, -8.0, 2, 4, ref_w=-2.0, ref_l=-5.0, c_w=-0.5, c_l=-1.0)
    scaled = [math.exp(-2) * push for push in pair.pushes("dpo", beta=0.1)]
    assert pair.pushes("wpo", beta=0.1) == pytest.approx(scaled)


def test_the_weight_falls_with_what_the_policy_would_not_write():
    likely, unlikely = (
        Pair(-1.0, -1.0, ref_w=-1.0, ref_l=-1.0),
        Pair(-9.0, -1.0, ref_w=-9.0, ref_l=-1.0),
    )
    assert likely.loss("wpo", beta=0.1) > 100 * unlikely.loss("wpo", beta=0.1)
