"""Arena-Hard's closed form and its companions, hand-worked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asft.config.experiment import Statistics
from asft.metrics.arena_hard import (
    OUTCOMES,
    Games,
    first_position_rate,
    from_verdicts,
    official_intervals,
    outcomes_per_question,
    pool,
    rules,
    swap_consistency,
    win_rate,
    win_rate_difference,
    win_rate_interval,
)
from asft.records import Label, Question, Verdict

SETTINGS = Statistics()
SWAPPED = {"A>>B": "B>>A", "A>B": "B>A", "A=B": "A=B", "B>A": "A>B", "B>>A": "A>>B", "": ""}
rows_of_labels = st.lists(st.tuples(*[st.sampled_from(list(OUTCOMES))] * 2), min_size=1).filter(
    lambda rows: any(a or b for a, b in rows)
)


def games(*labels: tuple[str, str]) -> Games:
    return Games([f"q{i}" for i in range(len(labels))], list(labels))


def rate(of: Games) -> float:
    return float(win_rate(outcomes_per_question(of).sum(axis=0)))


def test_closed_form_by_hand():
    """q0: a big win in game 1 (w 3, y 1), a loss in game 2 (w 1, y 0); q1: a tie (w 1, y 1/2),
    no verdict; q2: a small loss (w 1, y 0), a big win (w 3, y 1).
    (3 + 0.5 + 3) / (3 + 1 + 1 + 1 + 3) = 6.5 / 9.
    """
    found = games(("B>>A", "B>A"), ("A=B", ""), ("A>B", "A>>B"))
    assert outcomes_per_question(found).tolist() == [[[3, 4], [0.5, 1], [3, 4]]]
    assert rate(found) == pytest.approx(100 * 6.5 / 9)
    assert (found.n_scored, found.n_asked) == (5, 6)


def test_a_decisive_game_may_count_once():
    """A loss (w), a loss, a win (w), a tie: (w + 0.5) / (2 w + 2)."""
    found = games(("A>>B", "B>A"), ("B>>A", "A=B"))
    assert rate(found) == pytest.approx(100 * 3.5 / 8)
    assert rate(found._replace(decisive_weight=1)) == pytest.approx(100 * 1.5 / 4)
    once = pool([found._replace(decisive_weight=1)] * 2)
    assert rate(once) == pytest.approx(100 * 1.5 / 4)
    assert (rules(found), rules(once)) == ("", "a decisive game has weight 1 (upstream's is 3)")


@pytest.mark.parametrize(
    ("label", "game_1", "game_2"),
    [("A>>B", 0, 100), ("A>B", 0, 100), ("A=B", 50, 50), ("B>A", 100, 0), ("B>>A", 100, 0)],
)
def test_the_policy_is_assistant_b_in_game_1_and_a_in_game_2(
    label: str, game_1: float, game_2: float
):
    assert rate(games((label, ""))) == game_1
    assert rate(games(("", label))) == game_2


def test_a_game_without_a_verdict_is_dropped_alone():
    assert rate(games(("B>A", ""), ("A>B", "A=B"))) == pytest.approx(100 * 1.5 / 3)
    assert np.isnan(rate(games(("", ""))))


@given(rows_of_labels)
def test_swapping_the_sides_mirrors_the_rate(labels: list[tuple[str, str]]):
    ours = games(*labels)
    theirs = games(*[(SWAPPED[a], SWAPPED[b]) for a, b in labels])
    assert rate(ours) + rate(theirs) == pytest.approx(100)
    # the games change places: who is shown first does not matter to the rate
    turned = games(*[(SWAPPED[b], SWAPPED[a]) for a, b in labels])
    assert rate(turned) == pytest.approx(rate(ours))


def test_verdicts_become_rows_by_question_and_repeat():
    def verdict(question: str, game: int, repeat: int, label: Label | None) -> Verdict:
        status = "ok" if label else "conflicting"
        return Verdict(question_id=question, game=game, repeat=repeat, status=status, label=label)

    questions = [Question(question_id="a", turns=["?"]), Question(question_id="b", turns=["?"])]
    verdicts = [
        verdict("b", 2, 0, "A>B"),
        verdict("a", 1, 1, "B>A"),
        verdict("a", 1, 0, None),
        verdict("a", 2, 0, "A=B"),
    ]
    found = from_verdicts(verdicts, questions)
    assert found.question_ids == ["a", "a", "b", "b"]
    assert found.labels == [("", "A=B"), ("B>A", ""), ("", "A>B"), ("", "")]
    assert outcomes_per_question(found).tolist() == [[[1.5, 2], [1, 1]]]
    assert (found.n_scored, found.n_asked) == (3, 8)


def test_seeds_stay_apart_and_count_together():
    both = pool([games(("B>A", "B>A"), ("A>B", "")), games(("", "A>>B"), ("A>B", "B>A"))])
    assert outcomes_per_question(both).tolist() == [[[1, 2], [0, 1]], [[3, 3], [0, 2]]]
    assert rate(both) == pytest.approx(100 * 4 / 8)
    assert both.style is None


def test_swap_consistency():
    """q0: the policy wins twice, once clearly; q1: ties; q2: assistant A wins twice; q3: half."""
    found = games(("B>>A", "A>B"), ("A=B", "A=B"), ("A>B", "A>>B"), ("A>B", ""))
    assert swap_consistency(found) == pytest.approx(2 / 3)
    assert swap_consistency(games(("A>B", ""))) is None


def test_first_position_rate():
    found = games(("A>>B", "A>B"), ("A=B", "B>A"), ("", "A>B"))
    assert first_position_rate(found) == pytest.approx(3 / 4)
    assert first_position_rate(games(("A=B", ""))) is None


def always_agreeing(n: int, seed: int, share: float) -> Games:
    """Games 1 and 2 of a question agree, clearly: the strongest correlation there can be."""
    wins = np.random.default_rng(seed).random(n) < share
    return games(*[("B>>A", "A>>B") if win else ("A>>B", "B>>A") for win in wins])


def test_interval_is_over_questions_where_the_official_one_is_over_rows():
    """Six equal rows a question: the official interval is too narrow by about sqrt(6)."""
    found = always_agreeing(200, 0, 0.4)
    ours = win_rate_interval(found, SETTINGS)
    low, high = official_intervals([found])[0]
    assert ours.low < low < ours.value < high < ours.high
    assert (ours.high - ours.low) / (high - low) == pytest.approx(6**0.5, rel=0.2)
    share = ours.value / 100
    expected = 2 * 1.96 * 100 * (share * (1 - share) / 200) ** 0.5
    assert ours.high - ours.low == pytest.approx(expected, rel=0.1)


def test_official_interval_is_the_same_every_time():
    found = always_agreeing(30, 1, 0.5)
    assert official_intervals([found]) == official_intervals([found])
    with pytest.raises(ValueError, match="without a valid game"):
        official_intervals([found, games(("", ""))])


@pytest.mark.parametrize(("label", "bound"), [("B>A", 100), ("A>B", 0), ("A=B", 50)])
def test_official_interval_of_a_clean_sweep(label: str, bound: float):
    low, high = official_intervals([games((label, SWAPPED[label]))])[0]
    assert (low, high) == pytest.approx((bound, bound))


def test_differences_are_paired():
    """The second wins wherever the first does, and 12 questions more of 200."""
    wins = np.arange(200) < 80
    better = np.arange(200) < 92
    first = games(*[("B>A", "A>B") if win else ("A>B", "B>A") for win in better])
    second = games(*[("B>A", "A>B") if win else ("A>B", "B>A") for win in wins])
    found, n = win_rate_difference(first, second, SETTINGS)
    assert (n, found.value) == (200, pytest.approx(6.0))
    assert 2.4 < found.low < 6 < found.high < 10
    assert found.p_value < 0.01
    dropped = second._replace(labels=[("", ""), *second.labels[1:]])
    assert win_rate_difference(first, dropped, SETTINGS)[1] == 199
    with pytest.raises(ValueError, match="not the same questions"):
        win_rate_difference(first, games(("A>B", "")), SETTINGS)
