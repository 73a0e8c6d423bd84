"""log(1 - p) and power rewards: exact where they can be, finite everywhere."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from loss_formulas import smoothed
from mpmath import expm1, mpf

from asft.losses import log1mexp
from asft.losses.numerics import logistic, power_log

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


@given(st.floats(-60, 60), st.floats(0, 0.49))
def test_a_flipped_share_smooths_the_logistic_loss(x, rate):
    found = logistic(torch.tensor(x, dtype=torch.float64), rate).item()
    assert found == pytest.approx(float(smoothed(mpf(x), mpf(rate))), rel=1e-9, abs=1e-12)


@given(st.floats(-1e4, 1e4))
def test_without_flips_the_logistic_loss_is_that_of_torch_to_the_bit(x):
    points = [torch.tensor(x, requires_grad=True) for _ in range(2)]
    values = [logistic(points[0]), -torch.nn.functional.logsigmoid(points[1])]
    for value in values:
        value.backward()
    assert torch.equal(*values)
    assert torch.equal(points[0].grad, points[1].grad)


@given(st.floats(-40, 40), st.floats(0.01, 1))
def test_power_rewards_are_exact(x, alpha):
    found = power_log(torch.tensor(x, dtype=torch.float64), alpha).item()
    assert found == pytest.approx(float(-expm1(-mpf(alpha) * mpf(x)) / mpf(alpha)), rel=1e-9)


def test_power_rewards_are_the_logarithm_at_alpha_0_and_stop_before_they_overflow():
    x = torch.tensor([-1e4, -3.0, 0.0, 5.0], requires_grad=True)
    assert torch.equal(power_log(x, 0.0), x)
    value = power_log(x, 1.0)
    value.sum().backward()
    assert value.isfinite().all()
    assert x.grad is not None
    assert x.grad.tolist() == pytest.approx([0.0, math.exp(3), 1.0, math.exp(-5)])
