"""Losses that look at the step's other pairs: numbers by hand, gradients, no order."""

import math

import numpy as np
import pytest
import torch
from loss_formulas import hyperparameters

from asft.losses import METHODS, CompletionLogps, PairLogps

NAMES = [name for name, method in METHODS.items() if method.looks_at == "batch"]


def logps(chosen, rejected):
    tokens = torch.ones(len(chosen), dtype=torch.float64)
    return PairLogps(CompletionLogps(chosen, tokens), CompletionLogps(rejected, tokens))


def batch(pairs=6, seed=0):
    """Sums of chosen and rejected under policy and reference, then mismatched, (8, pairs)."""
    sums = -torch.from_numpy(np.random.default_rng(seed).uniform(0.5, 9, (8, pairs)))
    sums[4:6] += 2  # the policy has moved
    return sums


def losses(name, sums, before=0.25, **given):
    """Losses of rows as `batch` has them; of four where nothing is mismatched."""
    method = METHODS[name]
    given = {key: given.get(key, value) for key, value in hyperparameters(method).items()}
    policy, reference, *others = (logps(*sums[i : i + 2]) for i in range(0, len(sums), 2))
    if others:
        policy = policy._replace(mismatched=others[0])
        reference = reference._replace(mismatched=others[1])
    policy = policy._replace(running=torch.tensor(before))
    return method.loss(policy, reference, **given)


def ell(x):
    return np.log1p(np.exp(-x))


def sigma(x):
    return 1 / (1 + np.exp(-x))


def test_hand_worked_bco():
    # rewards: chosen 1 and 3, rejected -1 and 1; their shift is 1
    sums = torch.tensor([[-1.0, -2.0], [-6.0, -3.0], [-2.0, -5.0], [-5.0, -4.0]]).double()
    expected = [ell(0) + ell(2), ell(2) + ell(0)]
    assert losses("bco", sums, beta=1.0).tolist() == pytest.approx(expected)


def test_hand_worked_kto():
    # ratios: chosen 1 and 3, rejected -1 and 1; mismatched 1 0 and 2 1, of mean 1
    sums = [[-1.0, -2.0], [-6.0, -3.0], [-2.0, -5.0], [-5.0, -4.0]]
    sums += [[-1.0, -3.0], [-2.0, -2.0], [-2.0, -3.0], [-4.0, -3.0]]
    given = {"beta": 1.0, "desirable_weight": 4.0, "undesirable_weight": 2.0}
    found = losses("kto", torch.tensor(sums).double(), **given)
    expected = [2 * sigma(0) + sigma(-2), 2 * sigma(-2) + sigma(0)]
    assert found.tolist() == pytest.approx(expected)


def test_hand_worked_beta_dpo():
    # margins 2 and 6, of mean reward 2; before it was 1, or 9: then beta would be below 0
    sums = torch.tensor([[-1.0, -2.0], [-6.0, -3.0], [-2.0, -5.0], [-5.0, 0.0]]).double()
    found = losses("beta_dpo", sums, before=1.0, beta=0.5, alpha=0.6)
    assert found.tolist() == pytest.approx([ell(0.8 * 2), ell(0.8 * 6)])
    found = losses("beta_dpo", sums, before=9.0, beta=0.5, alpha=0.6)
    assert found.tolist() == pytest.approx([ell(1e-3 * 2), ell(1e-3 * 6)])


def test_beta_dpo_pushes_by_the_steps_own_beta():
    sums = batch()[:4].requires_grad_()
    losses("beta_dpo", sums, before=1.0, beta=0.5).sum().backward()
    margins = (sums[0] - sums[1] - sums[2] + sums[3]).detach()
    scaled = 0.5 * (1 + 0.6 * (0.5 * margins.mean() - 1.0))
    torch.testing.assert_close(sums.grad[0], -scaled * torch.sigmoid(-scaled * margins))
    torch.testing.assert_close(sums.grad[1], -sums.grad[0])


def test_kto_takes_a_policy_below_the_reference_as_one_that_has_not_moved():
    sums = batch()
    sums[4:6] = sums[6:] - 1
    at_zero = sums.clone()
    at_zero[4:6] = sums[6:]
    assert losses("kto", sums).tolist() == losses("kto", at_zero).tolist()


def test_hand_worked_aot():
    # margins 4, 1, 2 against the reference's 0, 3, -1: sorted 1 2 4 and -1 0 3, apart 2 2 1
    sums = torch.tensor([[-1.0, -1, -1], [-5, -2, -3], [-4, -1, -4], [-4, -4, -3]]).double()
    assert losses("aot", sums, beta=1.0).tolist() == pytest.approx([ell(1), ell(2), ell(2)])
    # ratios: chosen 3 0 3, rejected -1 2 0: sorted 0 3 3 and -1 0 2, apart 1 3 1
    expected = [ell(3), ell(1), ell(1)]
    assert losses("aot_unpaired", sums, beta=1.0).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("name", NAMES)
def test_each_looks_at_the_others_but_not_at_their_order(name):
    sums, order = batch(), torch.tensor([3, 0, 5, 1, 4, 2])
    found = losses(name, sums, beta=1.0)
    torch.testing.assert_close(losses(name, sums[:, order], beta=1.0), found[order])
    alone = torch.cat([losses(name, sums[:, i : i + 1], beta=1.0) for i in range(6)])
    assert (alone - found).abs().max() > 1e-2


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"beta_dpo"}))
def test_gradients_are_those_of_the_values(name):
    """By differences; BCO's shift is held, as it carries none, and so are mismatched pairs.

    Of beta_dpo beta is held: it has a test of its own.
    """
    others = batch()[4:]
    sums = batch()[:4].requires_grad_()
    if name != "bco":
        assert torch.autograd.gradcheck(lambda x: losses(name, torch.cat([x, others])), sums)
        return
    losses(name, sums, beta=0.3).sum().backward()
    rewards = 0.3 * (sums[:2] - sums[2:]).detach().numpy()
    shift = rewards.mean()
    chosen = -0.3 / (1 + np.exp(rewards[0] - shift))
    np.testing.assert_allclose(sums.grad[0].numpy(), chosen)
    rejected = 0.3 / (1 + np.exp(shift - rewards[1]))
    np.testing.assert_allclose(sums.grad[1].numpy(), rejected)


@pytest.mark.parametrize("name", NAMES)
def test_at_the_reference_each_is_a_known_constant(name):
    sums = batch()
    sums[2:4], sums[6:] = sums[:2], sums[4:6]
    constant = {"bco": 2 * math.log(2), "kto": 0.5}.get(name, math.log(2))
    assert losses(name, sums).tolist() == pytest.approx([constant] * 6)


@pytest.mark.parametrize("name", NAMES)
def test_finite_everywhere(name):
    ends = torch.tensor([0.0, -1e-7, -1e-3, -1.0, -100.0, -1e4])
    sums = torch.cartesian_prod(ends, ends).T
    sums = torch.cat([sums, -torch.ones_like(sums)] * 2).requires_grad_()
    value = losses(name, sums)
    value.sum().backward()
    assert value.isfinite().all()
    assert sums.grad.isfinite().all()


def singles(sums):
    """Each pair as a row of its chosen completion and one of its rejected."""
    n = sums.shape[1]
    rows = torch.zeros(len(sums), 2 * n, dtype=sums.dtype)
    rows[0::2, :n], rows[1::2, n:] = sums[0::2], sums[1::2]
    return rows


def of_singles(name, sums, has, **given):
    """Losses of rows of which `has` says which completion they hold, (2, rows)."""
    pairs = [
        PairLogps(*map(CompletionLogps, two, has.to(sums)))
        for two in sums.view(-1, 2, sums.shape[1])
    ]
    policy, reference, *others = pairs
    if others:
        policy = policy._replace(mismatched=others[0])
        reference = reference._replace(mismatched=others[1])
    return METHODS[name].loss(policy, reference, **given)


@pytest.mark.parametrize(("name", "terms"), [("kto", 1), ("bco", 2), ("aot_unpaired", 1)])
def test_the_singles_of_pairs_have_the_loss_of_the_pairs(name, terms):
    """In the mean over rows, value and gradient: a pair's loss is that of its completions."""
    assert METHODS[name].takes_singles
    sums = batch(8 if name == "kto" else 6)[: 8 if name == "kto" else 4]
    n = sums.shape[1]
    has = torch.eye(2).repeat_interleave(n, 1)
    whole, apart = (sums.clone().requires_grad_() for _ in range(2))
    expected = losses(name, whole, beta=0.4).mean()
    found = of_singles(name, singles(apart), has, beta=0.4).mean() * terms
    torch.testing.assert_close(found, expected)
    expected.backward()
    found.backward()
    torch.testing.assert_close(apart.grad[:2], whole.grad[:2])


def test_hand_worked_transport_of_two_and_three_singles():
    # ratios: chosen 1 and 4, rejected 0, 2 and 3; of six sixths the one meets 0 0 2 2 3 3
    has = torch.tensor([[1, 1, 0, 0, 0], [0, 0, 1, 1, 1]])
    sums = torch.tensor([[4.0, 1, 0, 0, 0], [0, 0, 2, 0, 3]]).double()
    sums = torch.cat([sums, torch.zeros(2, 5)])
    found = of_singles("aot_unpaired", sums, has, beta=1.0)
    chosen = (2 * ell(1) + ell(-1)) / 6, (ell(2) + 2 * ell(1)) / 6
    assert found.tolist() == pytest.approx([5 * chosen[1], 5 * chosen[0], 0, 0, 0])
    assert not of_singles("aot_unpaired", sums, has * torch.tensor([[1], [0]]), beta=1.0).any()


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("name", ["kto", "bco", "aot_unpaired"])
def test_a_step_of_one_kind_is_finite_and_pushes_the_right_way(name, side):
    has, rows = torch.eye(2)[:, [side] * 3], 8 if name == "kto" else 4
    sums = (batch(3)[:rows] * has.repeat(rows // 2, 1)).requires_grad_()
    found = of_singles(name, sums, has, beta=0.4)
    found.sum().backward()
    push = sums.grad[side]
    assert found.isfinite().all()
    assert not sums.grad[1 - side].any()
    if name != "aot_unpaired":  # which has nothing to compare
        assert ((push > 0) if side else (push < 0)).all()
