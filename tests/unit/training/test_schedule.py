"""Every step learns: also the first of a warm-up, and of a run of one step."""

import math

import pytest
import torch
from transformers import get_cosine_schedule_with_warmup

from asft.training.schedule import warmed_cosine


def rates(make, warmup, steps):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = make(optimizer, warmup, steps)
    found = []
    for _ in range(steps):
        found.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return found


@pytest.mark.parametrize(
    ("warmup", "steps", "expected"),
    [
        (1, 1, [1 / 2]),
        (1, 2, [1 / 2, 1]),
        (1, 3, [1 / 2, 1, 1 / 2]),
        (0, 2, [1, 1 / 2]),
        (3, 3, [1 / 4, 2 / 4, 3 / 4]),
    ],
)
def test_by_hand(warmup, steps, expected):
    assert rates(warmed_cosine, warmup, steps) == pytest.approx(expected)


@pytest.mark.parametrize(("warmup", "steps"), [(0, 7), (2, 20), (10, 100)])
def test_after_the_warm_up_as_transformers(warmup, steps):
    """TRL trains by transformers' schedule, whose first step has a learning rate of 0."""
    ours, theirs = (
        rates(make, warmup, steps) for make in (warmed_cosine, get_cosine_schedule_with_warmup)
    )
    assert ours[warmup:] == pytest.approx(theirs[warmup:], abs=1e-12)
    assert all(rate > 0 for rate in ours)
    assert warmup == 0 or theirs[0] == 0
    assert ours[:warmup] == pytest.approx([(k + 1) / (warmup + 1) for k in range(warmup)])
    assert math.isclose(max(ours), 1)
