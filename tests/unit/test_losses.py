"""The losses against numbers worked out by hand, and the identities the paper rests on."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from asft.losses import (
    METHODS,
    CompletionLogps,
    PairLogps,
    align,
    asft,
    dpo,
    ipo,
    ipo_sum,
    log1mexp,
    log_odds,
    odds_ratio,
    orpo,
    sft,
)

logps = st.floats(-50, -1e-4)


def pair(chosen, rejected, tokens=(1, 1)):
    """PairLogps of one pair from two sums and two lengths."""
    parts = zip((chosen, rejected), tokens, strict=True)
    return PairLogps(
        *(CompletionLogps(torch.tensor([s]).double(), torch.tensor([float(n)])) for s, n in parts)
    )


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


def test_hand_worked_values_with_reference():
    policy, reference = pair(-2.0, -6.0, (2, 3)), pair(-3.0, -3.0, (2, 3))
    # rewards: chosen +1, rejected -3, margin 4
    assert dpo(policy, reference, beta=0.5).item() == pytest.approx(math.log(1 + math.exp(-2)))
    assert ipo_sum(policy, reference, beta=0.5).item() == pytest.approx((4 - 1) ** 2)
    # per token: chosen +1/2, rejected -1, margin 3/2
    assert ipo(policy, reference, beta=0.5).item() == pytest.approx((1.5 - 1) ** 2)


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


EXTREMES = [0.0, -1e-12, -1e-9, -6e-8, -1e-7, -1e-6, -1e-4, -math.log(2), -1.0, -20.0, -104.0, -1e4]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_log1mexp_is_finite_in_value_and_gradient(dtype):
    x = torch.tensor(EXTREMES, dtype=dtype, requires_grad=True)
    value = log1mexp(x)
    value.sum().backward()
    assert x.grad is not None
    assert value.isfinite().all()
    assert x.grad.isfinite().all()


@given(st.floats(-100, -1e-5))
def test_log1mexp_is_exact(x):
    x32 = torch.tensor(x, dtype=torch.float32)
    assert log1mexp(x32).item() == pytest.approx(math.log(-math.expm1(x32.item())), rel=5e-5)


@pytest.mark.parametrize("name", sorted(METHODS))
@pytest.mark.parametrize("chosen", EXTREMES)
@pytest.mark.parametrize("rejected", EXTREMES)
def test_every_loss_is_finite_everywhere(name, chosen, rejected):
    x = torch.tensor([chosen, rejected], requires_grad=True)
    one = torch.ones(1)
    parts = [CompletionLogps(x[i : i + 1], one) for i in range(2)]
    policy = PairLogps(parts[0], parts[1], CompletionLogps(torch.tensor([-3.0]), 2 * one))
    minus_one = CompletionLogps(-one, one)
    hyperparameters = {"beta": 0.1} if METHODS[name].hyperparameters() else {}
    value = METHODS[name].loss(policy, PairLogps(minus_one, minus_one), **hyperparameters)
    value.sum().backward()
    assert value.isfinite().all()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_on_sums_the_rejected_term_would_vanish():
    """Why we take means: 20 tokens at -1 each leave 1 - p = 1 to rounding."""
    assert log1mexp(torch.tensor(-20.0)).item() == pytest.approx(-2.06e-9, rel=1e-2)
    assert log1mexp(torch.tensor(-1.0)).item() == pytest.approx(-0.4587, rel=1e-3)


@given(st.floats(-80, -1e-5))
def test_the_gradient_of_log1mexp_is_exact(x):
    """d/dx log(1 - e^x) = -e^x / (1 - e^x)."""
    point = torch.tensor(x, dtype=torch.float32, requires_grad=True)
    log1mexp(point).backward()
    p = math.exp(point.item())
    assert point.grad is not None
    assert point.grad.item() == pytest.approx(-p / -math.expm1(point.item()), rel=1e-4)


@given(st.floats(-100, 0), st.floats(-100, 0))
def test_log1mexp_falls(x, y):
    low, high = sorted([x, y])
    assert log1mexp(torch.tensor(low)).item() >= log1mexp(torch.tensor(high)).item()


def test_margins_of_sums_and_of_means():
    chosen, rejected = (
        CompletionLogps(torch.tensor([total]), torch.tensor([count]))
        for total, count in ((-6.0, 3), (-4.0, 1))
    )
    logps = PairLogps(chosen, rejected)
    assert logps.margin_sum.tolist() == [-2.0]
    assert logps.margin.tolist() == [2.0]
