"""Checks of a history, on histories whose numbers are worked out by hand."""

import math

import numpy as np
import pandas as pd
import pytest
import yaml

from asft.metrics import HEALTH_RULES, notable, run_findings
from asft.metrics.health.history import history_findings

NAN = math.nan


def heldout(step, loss=0.7, chosen=-20.0, rejected=-30.0, length=10, pairs=8):
    """A measurement of answers of so many tokens; log-probabilities are of whole answers."""
    margin = chosen - rejected
    sums = {"logp_chosen_sum": chosen, "logp_rejected_sum": rejected, "margin_sum": margin}
    means = {name.removesuffix("_sum"): value / length for name, value in sums.items()}
    return {"step": step, "split": "heldout", "loss": loss, "pairs": pairs} | sums | means


def train(step, loss=0.7, accuracy=0.5, norm=0.5, rejected=-30.0, pairs=4):
    given = {"accuracy": accuracy, "grad_norm": norm, "logp_rejected_sum": rejected}
    return {"step": step, "split": "train", "loss": loss, "pairs": pairs} | given


def check(name, rows, **options):
    """The one finding of a name; None where the check says nothing."""
    found = history_findings(pd.DataFrame(rows), **options)
    named = [finding for finding in found if finding.name == name]
    assert len(named) <= 1
    return named[0] if named else None


def test_both_fell_is_a_note_with_both_amounts():
    # 20 → 21.2 nats of 10 tokens: 0.12 a token; the rejected ones lost 30.1.
    rows = [heldout(0), train(1), heldout(1, loss=0.6, chosen=-21.2, rejected=-60.1)]
    found = check("likelihood", rows)
    assert (found.level, found.threshold) == ("note", -0.01)
    assert found.value == pytest.approx(-0.12)
    assert found.words == (
        "Chosen and rejected log-likelihood both fell (chosen −1.2 nats an answer, rejected −30.1;"
        " chosen −0.12 a token, 8 pairs)"
    )


@pytest.mark.parametrize(
    ("chosen", "rejected", "level"),
    [
        (-19.0, -40.0, "in range"),  # chosen rose
        (-20.09, -40.0, "in range"),  # by less than 0.01 nats a token
        (-20.11, -40.0, "note"),
        (-26.9, -90.0, "note"),  # 0.69 a token, ln 2 is 0.6931
        (-26.94, -90.0, "warning"),
        (-21.0, -29.0, "warning"),  # chosen fell, rejected rose
    ],
)
def test_how_far_the_likelihood_may_fall(chosen, rejected, level):
    rows = [heldout(0), train(1), heldout(1, chosen=chosen, rejected=rejected)]
    assert check("likelihood", rows).level == level


def test_a_loss_that_is_no_number_is_a_fault():
    rows = [heldout(0), train(1), train(2, loss=NAN), train(3, loss=NAN)]
    found = check("finite", rows)
    assert (found.level, found.value) == ("fault", 2)
    assert found.words == "The loss is no number in 2 of 4 rows, first at step 2"
    assert check("finite", rows[:2]).level == "in range"


@pytest.mark.parametrize(("last", "level"), [(0.69, "in range"), (0.7, "warning"), (9, "warning")])
def test_the_held_out_loss_has_to_fall(last, level):
    assert check("loss", [heldout(0), train(1), heldout(1, loss=last)]).level == level


def test_without_held_out_pairs_quarters_of_training_are_compared():
    falling = [train(n, loss=1 - n / 100) for n in range(1, 21)]
    assert check("loss", falling).level == "in range"
    assert check("loss", falling).value == pytest.approx(-0.15)  # means of 1 to 5 and 16 to 20
    assert check("loss", falling[:19]) is None
    assert check("loss", falling[::-1]).level == "warning"


def test_a_loss_that_rose_again_is_learned_by_heart():
    rows = [heldout(0, 0.7), heldout(4, 0.5), heldout(8, 0.53)]
    found = check("generalisation", rows)
    assert (found.level, round(found.value, 6)) == ("warning", 6)
    assert "after step 4: from 0.5 to 0.53 (+6 %, 8 pairs)" in found.words
    assert check("generalisation", [*rows[:2], heldout(8, 0.52)]).level == "in range"
    assert check("generalisation", rows[:2]) is None
    assert check("generalisation", [heldout(0, 0.5), heldout(4), heldout(8)]) is None


def test_losses_that_do_not_compare_are_left_alone():
    rows = [heldout(0, 0.5), heldout(4, 0.6), heldout(8, 0.9)]
    assert check("loss", rows, comparable=False) is None
    assert check("generalisation", rows, comparable=False) is None


def test_the_margin_has_to_grow_of_losses_that_see_rejected_answers():
    rows = [heldout(0), train(1), heldout(1, chosen=-20, rejected=-29)]
    assert (check("margin", rows).level, check("margin", rows).value) == ("warning", -1)
    rows[2] = heldout(1, chosen=-20, rejected=-29.95)  # 0.005 nats a token
    assert check("margin", rows).level == "note"
    rows[1] = train(1, rejected=NAN)  # SFT's
    assert check("margin", rows) is None


def test_the_margin_saturates_where_the_last_hundred_pairs_are_told_apart():
    rows = [train(n, accuracy=0.0 if n < 5 else 1.0) for n in range(30)]
    assert (check("saturation", rows).level, check("saturation", rows).value) == ("note", 1)
    # 25 steps of 4 pairs are looked at; two pairs of these hundred are not told apart.
    rows[20] = train(20, accuracy=0.5)
    assert check("saturation", rows).value == 0.98
    assert check("saturation", rows).level == "in range"
    assert check("saturation", rows[:24]) is None  # 96 pairs


def test_clipping_is_a_note_where_it_leaves_less_than_half_of_the_mean_norm():
    rows = [train(n, norm=5) for n in range(10)]
    found = check("clipping", rows, max_grad_norm=1.0)
    assert (found.level, found.value, found.threshold) == ("note", 0.2, 0.5)
    assert found.words == "The gradient was clipped at all 10 steps (mean norm 5, limit 1)"
    assert check("clipping", rows, max_grad_norm=2.5).level == "in range"
    rows[3] = train(3, norm=0.5)
    assert "at 9 of 10 steps" in check("clipping", rows, max_grad_norm=1.0).words
    assert check("clipping", rows, max_grad_norm=1.0).level == "in range"
    assert check("clipping", rows[:9], max_grad_norm=1.0) is None
    assert check("clipping", rows) is None


def test_nothing_is_said_of_what_was_not_measured():
    rows = pd.DataFrame([train(1, accuracy=NAN, norm=NAN)])
    assert [finding.name for finding in history_findings(rows, 1.0)] == ["finite"]
    assert history_findings(rows.iloc[:0], 1.0) == []


def test_findings_come_worst_first_and_every_one_has_its_rule():
    rows = [heldout(0), *(train(n, norm=5) for n in range(1, 11)), train(11, loss=NAN)]
    rows.append(heldout(11, loss=0.8, chosen=-21, rejected=-40))
    found = history_findings(pd.DataFrame(rows), 1.0)
    assert [f.level for f in notable(found)] == ["fault", "warning", "note"]
    assert {finding.name for finding in found} <= set(HEALTH_RULES)
    assert all(np.isfinite([finding.value, finding.threshold]).all() for finding in found)


@pytest.mark.parametrize(
    ("loss", "compared"),
    [("dpo", True), ({"dpo": 1.0, "sft": 0.5}, True), ("tr_dpo", False), ("beta_dpo", False)],
)
def test_losses_are_compared_where_the_run_lets_them(tmp_path, loss, compared):
    """A reference that moves, or a running mean, makes the loss of another step another one."""
    settings = tmp_path / "settings.yaml"
    run = {"loss": loss, "training": {"max_grad_norm": 0.1}}
    settings.write_text(yaml.safe_dump(run))
    steps = [train(number, norm=1.0) for number in range(1, 11)]
    found = run_findings(settings, pd.DataFrame([heldout(0), *steps, heldout(10)]))
    names = [finding.name for finding in found]
    assert ("loss" in names) is compared
    assert "clipping" in names
