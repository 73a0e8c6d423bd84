"""Style counts as upstream's, and what controlling for length does and does not do."""

import numpy as np
import pytest

from asft.metrics.arena_hard import Games, outcomes_per_question, win_rate
from asft.metrics.corpus import Values
from asft.metrics.style_control import (
    Controlled,
    controlled_win_rates,
    count_style,
    style_difference,
)


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("# a\n## b\n####### no\n#no", (2, 0, 0)),
        ("1. a\n  12. b\n- c\n* d\n+ e\n-no", (0, 5, 0)),
        ("**a** and __b__ and ** c\n** and *d*", (0, 0, 2)),
        ("```python\n# no\n- no\n```\n# yes", (1, 0, 0)),
        ("```# in``` then # in", (0, 0, 0)),
        ("# a\n```\n# a\n```\n", (1, 0, 0)),
        ("", (0, 0, 0)),
    ],
)
def test_markdown_elements(text: str, counts: tuple[int, ...]):
    assert count_style(text)[1:] == counts


def test_upstream_s_quirk_of_removing_the_block_s_text_everywhere():
    """The block's text "a" goes, wherever it stands: "# a" becomes "# ", still a header."""
    assert count_style("# a\n**a**\n```a```")[1:] == (1, 0, 0)


def test_length_is_in_short_pieces_of_words_and_marks():
    assert count_style("Don't stop, internationalisation!")[0] == 3 + 2 + 3 + 1


def test_style_difference():
    found = style_difference(np.array([3.0, 0.0]), np.array([1.0, 0.0]))
    assert found.tolist() == [2 / 5, 0]


def judged_by_length_alone(seed: int, n: int, mean: float, quality: float = 0.0) -> Games:
    """The judge prefers the longer answer, whoever wrote it, and adds `quality` to the policy."""
    random = np.random.default_rng(seed)
    length = np.clip(random.normal(mean, 0.25, n), -0.95, 0.95)
    wins = random.random((n, 2)) < 1 / (1 + np.exp(-4 * length - quality))[:, None]
    labels = [("B>A" if a else "A>B", "A>B" if b else "B>A") for a, b in wins]
    return Games([f"q{i}" for i in range(n)], labels, padded(length))


def padded(length: Values) -> Values:
    return np.stack([length, *np.zeros((3, len(length)))], axis=1)


def test_length_control_takes_padding_out():
    """A policy no better than the baseline but longer: it wins 76 %, and at equal length half."""
    found = judged_by_length_alone(0, 500, mean=0.3)
    plain = float(win_rate(outcomes_per_question(found).sum(axis=0)))
    controlled = controlled_win_rates({"x": found}, 1)["x"]
    assert plain == pytest.approx(75, abs=3)
    assert controlled.win_rate == pytest.approx(50, abs=4)


def test_length_control_keeps_quality():
    """logit 0.8 is a win rate of 69 %, whatever the lengths; the fit is shared by the policies."""
    long, short = (judged_by_length_alone(i, 500, mean, 0.8) for i, mean in ((1, 0.2), (2, -0.2)))
    found = controlled_win_rates({"long": long, "short": short}, 1)
    assert [one.win_rate for one in found.values()] == pytest.approx([69, 69], abs=4)


def test_constant_features_are_left_out():
    games = judged_by_length_alone(0, 100, mean=0.3)
    one, four = (controlled_win_rates({"x": games}, features)["x"] for features in (1, 4))
    assert four.win_rate == pytest.approx(one.win_rate)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"style": None}, "the answers' style is not known"),
        ({"labels": [("A>B", "B>A")] * 30}, "every valid game is lost"),
        ({"labels": [("B>>A", "A>B")] * 30}, "every valid game is won"),
        ({"labels": [("A>B", "A>B")] * 9 + [("", "A>B")] + [("", "")] * 20}, "19 valid games"),
        ({"style": np.full((30, 4), 0.1)}, "style differences do not vary"),
    ],
)
def test_what_cannot_be_estimated_has_a_reason_instead(change: dict, reason: str):
    games = judged_by_length_alone(0, 30, mean=0.1)._replace(**change)
    found = controlled_win_rates({"x": games}, 1)["x"]
    assert found.win_rate is None
    assert found.reason.startswith(reason)


def test_one_policy_s_refusal_does_not_touch_the_others():
    good = judged_by_length_alone(0, 60, mean=0.1)
    alone = controlled_win_rates({"good": good}, 1)["good"]
    found = controlled_win_rates({"bad": good._replace(style=None), "good": good}, 1)
    assert found["good"] == alone
    assert found["bad"] == Controlled(None, "the answers' style is not known")
    assert controlled_win_rates({}, 1) == {}


def test_ties_all_round_are_even():
    games = judged_by_length_alone(0, 30, mean=0.2)._replace(labels=[("A=B", "A=B")] * 30)
    assert controlled_win_rates({"x": games}, 1)["x"].win_rate == pytest.approx(50)
