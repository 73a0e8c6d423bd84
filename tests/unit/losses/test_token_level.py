"""WPO: its weights by hand, and that they are constants. LD-DPO: tails count less. TDPO."""

import math
from dataclasses import replace

import pytest
import torch
from loss_formulas import Pair

from asft.losses import METHODS, CompletionLogps, PairLogps


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


def test_hand_worked_ld_dpo():
    # ratios: chosen 3, of which 1 beyond the shared length; rejected -1, of which -2
    pair = Pair(-2.0, -6.0, 4, 2, ref_w=-5.0, ref_l=-5.0, tail_w=0.5, tail_l=1.0)
    pair = replace(pair, ref_tail_w=-2.0, ref_tail_l=-4.0)
    expected = math.log(1 + math.exp(-0.5 * (2 + 0.25 - (1 - 0.25 * 2))))
    assert pair.loss("ld_dpo", beta=0.5, alpha=0.25) == pytest.approx(expected)
    assert pair.loss("ld_dpo", beta=0.5, alpha=1) == pytest.approx(pair.loss("dpo", beta=0.5))


def test_ld_dpo_moves_a_longer_completion_less():
    pair = Pair(-2.0, -6.0, 4, 2, ref_w=-5.0, ref_l=-5.0, tail_w=0.5, tail_l=0.0)
    push = pair.pushes("ld_dpo", beta=0.5, alpha=0.0)
    assert push[0] < 0 < push[1]
    assert -2 * push[0] == pytest.approx(push[1])  # half of the chosen sum is beyond


def test_hand_worked_tdpo():
    # ratios 3 and -1; divergences 2 and 1/2, of which TDPO2 takes a half
    pair = Pair(-2.0, -6.0, ref_w=-5.0, ref_l=-5.0, d_w=2.0, d_l=0.5)
    expected = math.log(1 + math.exp(-0.5 * (4 + 1.5)))
    assert pair.loss("tdpo1", beta=0.5) == pytest.approx(expected)
    expected = math.log(1 + math.exp(-0.5 * (4 + 0.75)))
    assert pair.loss("tdpo2", beta=0.5) == pytest.approx(expected)


def test_tdpo_pulls_the_rejected_completion_to_the_reference_and_tdpo2_leaves_the_chosen_be():
    policy, reference = Pair(-2.0, -6.0, ref_w=-5.0, ref_l=-5.0).tensors()
    pulls = {}
    for name in ("tdpo1", "tdpo2"):
        apart = torch.tensor([[2.0], [0.5]], dtype=torch.float64, requires_grad=True)
        sides = (CompletionLogps(s, policy.chosen.tokens) for s in apart)
        given = policy._replace(divergences=PairLogps(*sides))
        METHODS[name].loss(given, reference, beta=0.5).sum().backward()
        pulls[name] = apart.grad[:, 0].tolist()
    assert pulls["tdpo1"][0] == -pulls["tdpo1"][1] < 0
    assert pulls["tdpo2"][0] == 0 < pulls["tdpo2"][1]
