"""SFT, ORPO and ASFT: numbers worked out by hand, and the identities the paper rests on."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from loss_formulas import Pair

from asft.losses import (
    CompletionLogps,
    PairLogps,
    align,
    asft,
    asft_tempered,
    log_odds,
    odds_ratio,
    orpo,
    orpo_tempered,
    sft,
)

logps = st.floats(-50, -1e-4)


def pair(chosen, rejected, tokens=(1, 1)):
    """PairLogps of one pair from two sums and two lengths."""
    return Pair(chosen, rejected, *tokens).tensors()[0]


def test_hand_worked_values():
    # Chosen: 2 tokens of probability 1/2; rejected: 3 tokens of probability 1/4.
    policy = pair(2 * math.log(0.5), 3 * math.log(0.25), (2, 3))
    assert sft(policy, None).item() == pytest.approx(math.log(2))
    # align = -log(1/2) - log(1 - 1/4)
    assert align(policy).item() == pytest.approx(math.log(2) + math.log(4 / 3))
    assert asft(policy, None, beta=0.5).item() == pytest.approx(
        1.5 * math.log(2) + 0.5 * math.log(4 / 3)
    )
    # odds: 1 against 1/3, so the odds ratio is 3 and σ(log 3) = 3/4
    assert odds_ratio(policy).item() == pytest.approx(math.log(4 / 3))
    assert orpo(policy, None, beta=0.1).item() == pytest.approx(math.log(2) + 0.1 * math.log(4 / 3))


@given(logps, logps)
def test_asft_without_beta_is_sft_exactly(chosen, rejected):
    policy = pair(chosen, rejected)
    assert torch.equal(asft(policy, None, beta=0.0), sft(policy, None))


@given(logps)
def test_minus_log_sigmoid_of_the_log_odds_is_minus_log_p(x):
    p = torch.tensor([x], dtype=torch.float64)
    left = -torch.nn.functional.logsigmoid(log_odds(p))
    assert left.item() == pytest.approx(-x, rel=1e-5, abs=1e-6)


@given(logps, logps)
def test_orpo_aligns_less_than_asft(chosen, rejected):
    # They differ by log(p_w (1 - p_l) + p_l (1 - p_w)), the log of a probability.
    policy = pair(chosen, rejected)
    assert odds_ratio(policy).item() <= align(policy).item() + 1e-6


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_theorem_a2(x1, x2):
    """∂L/∂x₁ = -1/x₁ and ∂L/∂x₂ = 1/(1 - x₂) in probability space (Eq. 22)."""
    x = torch.tensor([x1, x2], dtype=torch.float64, requires_grad=True)
    one = torch.ones(1)
    policy = PairLogps(CompletionLogps(x[:1].log(), one), CompletionLogps(x[1:].log(), one))
    align(policy).sum().backward()
    assert x.grad is not None
    assert x.grad[0].item() == pytest.approx(-1 / x1, rel=1e-4)
    assert x.grad[1].item() == pytest.approx(1 / (1 - x2), rel=1e-4)


@given(logps, logps, st.floats(0, 2))
def test_the_tempered_forms_hold_the_plain_ones(chosen, rejected, weight):
    """Temperature 1, the SFT term, and the plain methods' β as the weight outside."""
    policy, given_ = pair(chosen, rejected), {"beta": 1.0, "weight": weight, "sft_weight": 1.0}
    same = {"rtol": 1e-4, "atol": 1e-5}
    torch.testing.assert_close(
        asft_tempered(policy, None, **given_), asft(policy, None, beta=weight), **same
    )
    torch.testing.assert_close(
        orpo_tempered(policy, None, **given_), orpo(policy, None, beta=weight), **same
    )


def test_a_low_temperature_leaves_a_margin_to_learn():
    """The gradient of σ at log-odds ratio 4 has all but vanished; at 0.1 · 4 it has not."""
    confident = Pair(-0.1, -4.0)
    plain = confident.pushes("orpo_tempered", beta=1.0)
    tempered = confident.pushes("orpo_tempered", beta=0.1)
    assert abs(tempered[1] / 0.1) > 5 * abs(plain[1])
