"""All methods: value and gradient against their formulas, finite everywhere, documented."""

import math
import runpy
from pathlib import Path

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from loss_formulas import FORMULAS, Pair, formula, hyperparameters
from mpmath import diff, mpf

from asft.losses import METHODS, CompletionLogps, PairLogps, asft, dpo, ipo, ipo_sum, orpo, sft
from asft.records import PairNumbers

DOCS = Path(__file__).parents[3] / "docs"
EXTREMES = [0.0, -1e-12, -1e-9, -6e-8, -1e-7, -1e-6, -1e-4, -math.log(2), -1.0, -20.0, -104.0, -1e4]
# Computed in fp32 whatever comes in: log1mexp.
IN_FP32 = {"orpo", "orpo_full_nll", "asft", "orpo_tempered", "asft_tempered"}
# Those of batches have tests of their own: test_batch.py.
OF_PAIRS = [name for name, method in METHODS.items() if method.looks_at == "pair"]
SUMS = st.floats(-40, -0.05)
PAIRS = st.builds(
    Pair,
    *(SUMS, SUMS, st.integers(1, 30), st.integers(1, 30)),
    ref_w=SUMS,
    ref_l=SUMS,
    s_x=SUMS,
    n_x=st.integers(1, 9),
    c_w=st.floats(-9, 0),
    c_l=st.floats(-9, 0),
    margin=st.floats(0.01, 9),
)


@pytest.mark.parametrize("name", OF_PAIRS)
@settings(max_examples=8)
@given(pair=PAIRS)
def test_value_and_gradient_are_those_of_the_formula(name, pair):
    assume(pair.s_w != pair.ref_w and pair.s_w / pair.n_w != pair.s_l / pair.n_l)  # kinks
    given_ = hyperparameters(METHODS[name])
    expected = formula(name, pair, given_)
    point = (mpf(pair.s_w), mpf(pair.s_l))
    close = {"rel": 1e-4, "abs": 2e-6} if name in IN_FP32 else {"rel": 1e-7, "abs": 1e-9}
    assert pair.loss(name, **given_) == pytest.approx(float(expected(*point)), **close)
    slopes = [float(diff(expected, point, order)) for order in ((1, 0), (0, 1))]
    assert pair.pushes(name, **given_) == pytest.approx(slopes, **close)


def test_which_look_at_more_than_the_sums_of_a_pair():
    """Of tokens, of other pairs, of the prompt, of the data."""
    more = {name for name, method in METHODS.items() if not method.needs_sums_alone}
    of_batches = set(METHODS) - set(OF_PAIRS)
    assert more - of_batches == {
        *("orpo_full_nll", "odpo", "odpo_linear", "wpo", "ld_dpo", "tdpo1", "tdpo2"),
    }
    assert of_batches < more


def test_every_method_has_a_formula():
    assert FORMULAS.keys() == set(OF_PAIRS)


@pytest.mark.parametrize("name", sorted(set(OF_PAIRS) - IN_FP32 - {"wpo"}))
def test_gradients_are_those_of_the_values(name):
    """By differences, in double: too fine for fp32, and blind to what carries no gradient."""
    pair, given_ = Pair(-7.0, -6.0, 3, 4, ref_w=-7.5, ref_l=-5.0), hyperparameters(METHODS[name])
    sums = torch.tensor([-7.0, -6.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda sums: METHODS[name].loss(*pair.tensors(sums), **given_), sums
    )


@pytest.mark.parametrize("name", OF_PAIRS)
def test_every_loss_is_finite_everywhere(name):
    ends = torch.tensor(EXTREMES)
    x = torch.cartesian_prod(ends, ends).T.clone().requires_grad_()
    one = torch.ones(len(ends) ** 2)
    hits = PairLogps(*[CompletionLogps(-0.5 * one, one)] * 2)
    policy = PairLogps(*(CompletionLogps(side, one) for side in x), CompletionLogps(-3 * one, one))
    numbers = PairNumbers(one, one, torch.linspace(-1, 1e4, len(one)), one)
    shared = PairLogps(*(CompletionLogps(side / 2, one) for side in x))
    policy = policy._replace(collisions=hits, numbers=numbers, shared=shared, divergences=hits)
    reference = PairLogps(*[CompletionLogps(-one, one)] * 2)
    reference = reference._replace(shared=reference)
    value = METHODS[name].loss(policy, reference, **hyperparameters(METHODS[name]))
    value.sum().backward()
    assert value.isfinite().all()
    assert x.grad is not None
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("name", OF_PAIRS)
def test_what_a_loss_does_not_declare_it_does_not_look_at(name):
    method, pair = METHODS[name], Pair(-7.0, -6.0, 3, 4, ref_w=-7.5, ref_l=-5.0)
    policy, reference = pair.tensors()
    nothing = CompletionLogps(torch.full((1,), torch.nan), torch.full((1,), torch.nan))
    policy = PairLogps(
        policy.chosen,
        policy.rejected if method.paired else nothing,
        policy.prompt if method.needs_prompt else None,
        collisions=policy.collisions if method.needs_collisions else None,
        shared=policy.shared if method.needs_shared else None,
        divergences=policy.divergences if method.needs_divergences else None,
        numbers=policy.numbers if method.needs_margin else None,
    )
    given_ = hyperparameters(method)
    value = method.loss(policy, reference if method.needs_reference else None, **given_)
    assert value.item() == pair.loss(name, **given_)


def joined(parts):
    """The same tuples of tensors as one, pair behind pair."""
    if parts[0] is None or isinstance(parts[0], torch.Tensor):
        return None if parts[0] is None else torch.cat(parts)
    return type(parts[0])(*map(joined, zip(*parts, strict=True)))


@pytest.mark.parametrize("name", OF_PAIRS)
def test_one_pair_does_not_look_at_another(name):
    """Two pairs together are what each is alone: else its row must say looks_at="batch"."""
    pairs = [Pair(-7.0, -6.0, 3, 4, -7.5, -5.0), Pair(-2.0, -9.0, 2, 5, -2.5, -8.0)]
    policy, reference = map(joined, zip(*(pair.tensors() for pair in pairs), strict=True))
    given_ = hyperparameters(METHODS[name])
    found = METHODS[name].loss(policy, reference, **given_).tolist()
    assert found == pytest.approx([pair.loss(name, **given_) for pair in pairs], rel=1e-6)


@given(SUMS, SUMS, st.integers(1, 30), st.integers(1, 30))
def test_the_first_methods_are_unchanged_to_the_bit(chosen, rejected, n_w, n_l):
    """As their formulas were first written, in fp32."""
    pair, reference = Pair(chosen, rejected, n_w, n_l, -3.0, -4.0), None
    policy, reference = pair.tensors(torch.tensor([chosen, rejected]))
    log_sigmoid = torch.nn.functional.logsigmoid
    r_w = policy.chosen.sum - reference.chosen.sum
    margin = r_w - (policy.rejected.sum - reference.rejected.sum)
    means = policy.chosen.mean - reference.chosen.mean
    means = means - (policy.rejected.mean - reference.rejected.mean)
    assert torch.equal(sft(policy, None), -policy.chosen.mean)
    assert torch.equal(dpo(policy, reference, beta=0.1), -log_sigmoid(0.1 * margin))
    assert torch.equal(ipo(policy, reference, beta=0.1), (means - 1 / 0.2) ** 2)
    assert torch.equal(ipo_sum(policy, reference, beta=0.1), (margin - 1 / 0.2) ** 2)
    log1mexp = [m - m.exp().neg().log1p() for m in (policy.chosen.mean, policy.rejected.mean)]
    ratio = -log_sigmoid(log1mexp[0] - log1mexp[1])
    torch.testing.assert_close(orpo(policy, None, beta=0.1), -policy.chosen.mean + 0.1 * ratio)
    align = -policy.chosen.mean - policy.rejected.mean.exp().neg().log1p()
    torch.testing.assert_close(asft(policy, None, beta=0.1), -policy.chosen.mean + 0.1 * align)


def test_the_page_of_methods_is_in_step():
    page = (DOCS / "methods.md").read_text(encoding="utf-8")
    assert runpy.run_path(str(DOCS / "methods.py"))["with_table"](page) == page, (
        "write it again: python docs/methods.py"
    )
    assert all(f"| `{name}` |" in page for name in METHODS)
