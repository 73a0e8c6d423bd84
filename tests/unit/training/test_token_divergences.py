"""Token divergences: value and gradient against torch's own, in chunks, finite everywhere."""

import pytest
import torch

from asft.training import logps
from asft.training.logps import token_logps
from asft.training.token_divergences import token_divergences


@pytest.mark.parametrize("chunk", [2, 1000])
def test_value_and_gradient_are_those_of_plain_torch(monkeypatch, chunk):
    monkeypatch.setitem(logps.CHUNK, "cpu", chunk)
    generator = torch.Generator().manual_seed(0)
    policy, reference = (3 * torch.randn(2, 5, 7, generator=generator)).unbind()
    targets = torch.tensor([0, 6, 3, 3, 1])
    weights = torch.randn(2, 5, generator=generator)
    ours, plain = (policy.clone().requires_grad_() for _ in range(2))
    found = token_divergences(ours * 1, targets, reference)  # its backward pass writes over them
    known, seen = reference.log_softmax(-1), plain.log_softmax(-1)
    apart = torch.nn.functional.kl_div(seen, known, reduction="none", log_target=True).sum(-1)
    expected = seen.gather(-1, targets[:, None])[:, 0], apart
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)
    (weights * torch.stack(found)).sum().backward()
    (weights * torch.stack(expected)).sum().backward()
    torch.testing.assert_close(ours.grad, plain.grad)


def test_the_same_distribution_is_apart_by_nothing_and_the_logps_are_the_others():
    logits = 5 * torch.randn(4, 9, generator=torch.Generator().manual_seed(1))
    targets = torch.tensor([1, 2, 3, 8])
    found, apart = token_divergences(logits, targets, logits.clone())
    assert not apart.any()
    torch.testing.assert_close(found, token_logps(logits, targets))


def test_finite_for_what_one_of_them_takes_for_impossible():
    ends = torch.tensor([[0.0, -1e4, -1e4], [-1e4, 0.0, -1e4]])
    policy = ends.clone().requires_grad_()
    found, apart = token_divergences(policy * 1, torch.tensor([1, 2]), ends.flip(0))
    assert apart.tolist() == [1e4, 1e4]
    (found.sum() + apart.sum()).backward()
    assert policy.grad.isfinite().all()
