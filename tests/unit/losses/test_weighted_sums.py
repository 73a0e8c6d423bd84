"""Weighted sums of losses: their values, what they need, how they are named."""

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loss_formulas import Pair

from asft.losses import METHODS, find_method, loss_label, names_in

logps = st.floats(-40, -0.1)


@given(logps, logps, logps, logps)
def test_a_sum_is_the_sum(s_w, s_l, ref_w, ref_l):
    pair = Pair(s_w, s_l, 3, 4, ref_w, ref_l)
    method = find_method({"dpo": 0.8, "sft": 0.2})
    found = method.loss(*pair.tensors(), beta=0.3, label_smoothing=0.1).item()
    terms = pair.loss("dpo", beta=0.3, label_smoothing=0.1), pair.loss("sft")
    assert found == pytest.approx(0.8 * terms[0] + 0.2 * terms[1])


def test_a_sum_of_one_is_that_loss():
    pair = Pair(-7.0, -6.0, 3, 4, ref_w=-7.5, ref_l=-5.0)
    alone = find_method({"ipo": 1.0})
    assert alone.loss(*pair.tensors(), beta=0.3).item() == pair.loss("ipo", beta=0.3)
    assert find_method("ipo") is METHODS["ipo"]


def test_a_sum_needs_what_its_terms_need():
    assert not find_method({"sft": 1.0}).paired
    both = find_method({"sft": 1.0, "dpo": 1.0, "orpo_full_nll": 1.0})
    assert both.paired
    assert both.needs_reference
    assert both.needs_prompt
    assert both.looks_at == "pair"
    assert find_method({"sft": 1.0, "aot": 1.0}).looks_at == "batch"


def test_a_hyperparameter_is_optional_where_the_terms_agree():
    """dpo has no beta of its own, dpo_norm has 5; both smooth by 0 where nothing is said."""
    found = find_method({"dpo": 1.0, "dpo_norm": 1.0, "simpo": 1.0}).hyperparameters()
    assert found["beta"] is inspect.Parameter.empty
    assert found["gamma"] is inspect.Parameter.empty
    assert found["label_smoothing"] == 0
    mixed = find_method({"dpo": 1.0, "robust_dpo": 1.0}).hyperparameters()
    assert mixed["label_smoothing"] is inspect.Parameter.empty


def test_a_value_must_be_right_for_all_terms():
    method = find_method({"dpo": 1.0, "exo": 1.0, "orpo": 1.0})
    assert method.limit("label_smoothing")(0.1)
    assert not method.limit("label_smoothing")(0.0)
    assert "and above 0" in method.limit("label_smoothing").words
    assert not method.limit("beta")(-0.1)
    assert method.limit("beta").words.count("above 0") == 1


def test_a_sum_says_what_it_is():
    loss = {"dpo": 1.0, "sft": 0.2}
    assert loss_label(loss) == "1 dpo + 0.2 sft"
    assert names_in(loss) == ["dpo", "sft"]
    assert "1 dpo + 0.2 sft" in (find_method(loss).loss.__doc__ or "")
    assert loss_label("dpo") == "dpo"
    assert names_in("dpo") == ["dpo"]


def test_an_unknown_name_is_an_error():
    with pytest.raises(KeyError, match="dop"):
        find_method({"dop": 1.0})
