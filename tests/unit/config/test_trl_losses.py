"""Rows of `trainer: trl`: what is offered, what is refused and why, what TRL is told."""

import re
from pathlib import Path

import pytest
from default_config import DEFAULT, merged
from loss_formulas import hyperparameters

from asft.config import trl_losses
from asft.config.loading import load
from asft.config.runs import needs_mismatched, needs_reference, run_settings
from asft.config.trl_losses import TRL_LOSSES, trl_arguments
from asft.errors import UserError
from asft.losses import METHODS


def with_row(row, **more):
    return load(merged(DEFAULT, {"methods": {"row": {"trainer": "trl"} | row}} | more))


def test_a_run_says_who_trains_it_unless_it_is_ours():
    config = with_row({"loss": "dpo", "beta": 0.1})
    assert run_settings(config, "hh_rlhf", "row", 1)["trainer"] == "trl"
    assert "trainer" not in run_settings(config, "hh_rlhf", "dpo", 1)


def test_trl_computes_its_own_reference():
    config = with_row({"loss": "kto", "beta": 0.1})
    assert not needs_reference(config, "row")
    assert not needs_mismatched(config, "row")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"loss": "asft", "beta": 0.1}, "TRL has no loss 'asft'; it trains: sft, dpo, "),
        ({"loss": "orpo", "beta": 0.1}, "first term spans prompt and answer: orpo_full_nll; it"),
        ({"loss": "bco", "beta": 0.1}, "TRL's bco_pair has no shift of the rewards; it trains"),
        (
            {"loss": {"dpo": 1, "sft": 0.2}, "beta": 0.1},
            "a weighted sum (1 dpo + 0.2 sft) is asft's",
        ),
        (
            {"loss": "dpo", "beta": 0.1, "label_smoothing": 0.1},
            "TRL's dpo ignores label_smoothing;",
        ),
        ({"loss": "sft", "training": {"lora": {}}}, "all weights in one process, without lora"),
        ({"loss": "sft", "training": {"processes": 2}}, "in one process; training: {processes: 1}"),
    ],
)
def test_what_trl_cannot_do_as_asked_is_refused(row, reason):
    with pytest.raises(UserError) as caught:
        with_row(row)
    assert str(caught.value).startswith("config: methods.row.trainer: ")
    assert reason in str(caught.value)


def test_it_is_refused_while_planning_where_trl_is_not_installed(monkeypatch):
    monkeypatch.setattr(trl_losses, "find_spec", lambda name: None)
    load(DEFAULT)
    with pytest.raises(UserError, match=r"TRL is not installed: pip install 'asft\[trl\]'$"):
        with_row({"loss": "sft"})


@pytest.mark.parametrize("loss", TRL_LOSSES)
def test_trl_is_told_every_hyperparameter(loss):
    """Each by some name, with the value that is given or, where none is, our default."""
    method = METHODS[loss]
    given = hyperparameters(method)
    for name in TRL_LOSSES[loss].ignored:
        given.pop(name)
    told = list(trl_arguments(loss, given).values())
    for name, value in given.items():
        assert value in told or 1 - value in told, name
    optional = {k: v for k, v in given.items() if method.hyperparameters()[k] is v}
    required = {k: v for k, v in given.items() if k not in optional}
    assert trl_arguments(loss, required) == trl_arguments(loss, given)


def test_the_page_names_every_row_under_its_trainer():
    page = (Path(__file__).parents[3] / "docs/methods.md").read_text()
    section = page.partition("## Trained by TRL")[2].partition("\n## ")[0]
    said = {}
    for losses, by in re.findall(
        r"^\| (`.*`.*) \| (?:\S+ )?(\w+)Trainer \|$", section, re.MULTILINE
    ):
        said |= dict.fromkeys(set(re.findall(r"`(\w+)`", losses)) & set(METHODS), by)
    assert said == {name: loss.trainer for name, loss in TRL_LOSSES.items()}


def test_simpo_has_no_sft_term_and_alpha_is_turned_round():
    assert trl_arguments("simpo", {"beta": 2.0, "gamma": 0.4})["cpo_alpha"] == 0
    told = trl_arguments("dpo_alpha", {"beta": 0.1, "alpha": 0.3})
    assert told["f_alpha_divergence_coef"] == pytest.approx(0.7)
