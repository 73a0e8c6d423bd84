"""Preferences by a judge of one's own: rows, repeats, what is missing, and what is refused."""

import math
from pathlib import Path

import numpy as np
import pytest

from asft.errors import UserError
from asft.metrics.alpaca_eval import (
    Choices,
    choice_rows,
    flags,
    pool,
    preferences_per_question,
    read_choices,
)
from asft.metrics.arena_hard import win_rate
from asft.metrics.score_files import Key
from asft.records import Question, Verdict

QUESTIONS = [Question(question_id=name, turns=["?"]) for name in "ab"]


def found(*given: tuple[str, int, int, float | None]) -> dict[Key, Verdict]:
    return {
        (question, game, repeat): Verdict(
            question_id=question,
            game=game,  # type: ignore[arg-type]
            repeat=repeat,
            status="no_verdict" if rating is None else "ok",
            rating=rating,
        )
        for question, game, repeat, rating in given
    }


def test_rows_hold_the_policy_s_preference():
    """In game 2 the rating is the baseline's; repeats are averaged, those that failed left out."""
    verdicts = found(("a", 1, 0, 0.7), ("a", 2, 0, 0.4), ("a", 1, 1, 0.9), ("a", 2, 1, None))
    first, second = choice_rows(QUESTIONS, verdicts, 2)
    assert first["g1_preference"] == pytest.approx(0.8)
    assert first["g2_preference"] == pytest.approx(0.6)
    assert (first["g1_status"], first["g2_status"]) == ("ok;ok", "ok;no_verdict")
    assert (second["g1_preference"], second["g1_status"]) == ("", "missing;missing")


def cells(**changes: str) -> dict[str, str]:
    row = {"question_id": "a", "g1_preference": "0.7", "g1_status": "ok"}
    return row | {"g2_preference": "", "g2_status": "missing"} | changes


def test_reading():
    choices = read_choices(Path("s.csv"), [cells(), cells(question_id="b", g2_preference="1")])
    assert choices.question_ids == ["a", "b"]
    assert (choices.n_asked, choices.n_scored, choices.turns.tolist()) == (4, 3, [1, 1])
    assert preferences_per_question(choices).tolist() == [[[0.7, 1], [1.7, 2]]]
    assert float(win_rate(preferences_per_question(choices))[0]) == pytest.approx(80)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([cells(g1_preference="1.5")], "question 'a', column 'g1_preference': expected 0 to 1"),
        ([cells(g1_preference="x")], "expected a number"),
        ([cells(), cells()], "a question_id occurs twice"),
        ([{"question_id": "a"}], "no column 'g1_preference'"),
    ],
)
def test_what_is_refused(rows: list[dict[str, str]], message: str):
    with pytest.raises(UserError, match=message):
        read_choices(Path("s.csv"), rows)


def choices(*values: tuple[float, float]) -> Choices:
    return Choices([f"q{n}" for n in range(len(values))], np.array([values]))


def test_flags():
    games = choices((0.9, 0.2), (0.9, 0.6), (math.nan, 0.2), (0.5, 0.9))
    assert list(flags(games)) == [("q0", "d"), ("q2", "n")]


def test_seeds_are_pooled():
    both = pool([choices((1, 1)), choices((0, 1))])
    assert preferences_per_question(both).tolist() == [[[2, 2]], [[1, 2]]]
    with pytest.raises(ValueError, match="not the same questions"):
        pool([choices((1, 1)), choices((1, 1), (0, 0))])
