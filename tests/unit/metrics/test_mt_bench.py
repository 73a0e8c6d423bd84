"""MT-Bench's means, hand-worked; what is not a rating never enters one."""

import numpy as np
import pytest

from asft.config.experiment import Statistics
from asft.metrics.mt_bench import (
    by_category,
    by_turn,
    from_verdicts,
    mean_rating,
    pool,
    rating_difference,
    rating_interval,
    ratings_per_question,
)
from asft.records import Question, Verdict, VerdictStatus

SETTINGS = Statistics()
QUESTIONS = [
    Question(question_id="81", category="writing", turns=["a", "b"]),
    Question(question_id="82", category="writing", turns=["a", "b"]),
    Question(question_id="101", category="math", turns=["a", "b"]),
]


def rated(question: str, turn: int, rating: float, repeat: int = 0) -> Verdict:
    return Verdict(question_id=question, turn=turn, repeat=repeat, status="ok", rating=rating)


def failed(question: str, turn: int, status: VerdictStatus, repeat: int = 0) -> Verdict:
    return Verdict(question_id=question, turn=turn, repeat=repeat, status=status)


# Turn 1: 8, 6, 1; turn 2: 4, none, none.
VERDICTS = [
    rated("82", 1, 6),
    rated("81", 1, 8),
    rated("81", 2, 4),
    rated("101", 1, 1),
    failed("82", 2, "no_verdict"),
    failed("101", 2, "api_error"),
]


def test_headline_is_the_pooled_mean_and_not_the_mean_of_turns():
    """(8 + 6 + 1 + 4) / 4 = 4.75; the mean of the turns' means would be (5 + 4) / 2 = 4.5."""
    ratings = from_verdicts(VERDICTS, QUESTIONS)
    assert float(mean_rating(ratings_per_question(ratings).sum(axis=0))) == 4.75
    assert by_turn(ratings) == [5.0, 4.0]
    assert by_category(ratings) == {"writing": 6.0, "math": 1.0}
    assert (ratings.n_scored, ratings.n_asked) == (4, 6)


def test_repeats_are_averaged_within_a_turn_first():
    """Turn 1 of 81: (2 + 4) / 2 = 3, its third repeat failed; turn 2: 9. Mean 6, not 5."""
    verdicts = [
        rated("81", 1, 2),
        rated("81", 1, 4, repeat=1),
        failed("81", 1, "truncated", repeat=2),
        rated("81", 2, 9),
    ]
    ratings = from_verdicts(verdicts, QUESTIONS[:1])
    assert float(mean_rating(ratings_per_question(ratings).sum(axis=0))) == 6.0
    assert (ratings.n_scored, ratings.n_asked) == (2, 2)


@pytest.mark.parametrize(
    "status", ["no_verdict", "conflicting", "out_of_range", "truncated", "api_error"]
)
def test_no_status_but_ok_is_averaged(status: VerdictStatus):
    ratings = from_verdicts([rated("81", 1, 7), failed("81", 2, status)], QUESTIONS[:1])
    assert float(mean_rating(ratings_per_question(ratings).sum(axis=0))) == 7.0
    # nor one that carries a number by mistake
    wrong = Verdict(question_id="81", turn=2, status=status, rating=1)
    ratings = from_verdicts([rated("81", 1, 7), wrong], QUESTIONS[:1])
    assert float(mean_rating(ratings_per_question(ratings).sum(axis=0))) == 7.0


def test_nothing_rated_is_nan():
    ratings = from_verdicts([], QUESTIONS)
    assert np.isnan(mean_rating(ratings_per_question(ratings).sum(axis=0)))
    assert np.isnan(by_turn(ratings)).all()
    assert (ratings.n_scored, ratings.n_asked) == (0, 6)


def test_shorter_questions_are_not_asked_a_second_turn():
    questions = [*QUESTIONS[:1], Question(question_id="x", turns=["only"])]
    ratings = from_verdicts([rated("81", 1, 5), rated("x", 1, 7)], questions)
    assert (ratings.n_scored, ratings.n_asked) == (2, 3)


def test_seeds_are_pooled_question_by_question():
    first = from_verdicts([rated("81", 1, 4), rated("81", 2, 6)], QUESTIONS[:1])
    second = from_verdicts([rated("81", 1, 8)], QUESTIONS[:1])
    both = pool([first, second])
    assert float(mean_rating(ratings_per_question(both).sum(axis=0))) == 6.0
    assert by_turn(both) == [6.0, 6.0]
    assert (both.n_scored, both.n_asked) == (3, 4)
    with pytest.raises(ValueError, match="not the same questions"):
        pool([first, from_verdicts([], QUESTIONS)])


def many(shift: float, noise: int, n: int = 40) -> tuple[list[Verdict], list[Question]]:
    """Both turns of a question share its level: what a bootstrap over rows would not see."""
    level = np.random.default_rng(0).uniform(2, 8, n)
    jitter = np.random.default_rng(noise).normal(0, 0.1, (n, 2))
    questions = [Question(question_id=f"q{i}", turns=["a", "b"]) for i in range(n)]
    verdicts = [
        rated(f"q{i}", turn + 1, float(level[i] + shift + jitter[i, turn]))
        for i in range(n)
        for turn in range(2)
    ]
    return verdicts, questions


def test_interval_is_over_questions():
    """Its width is that of 40 questions, not of 80 ratings: the turns of a question agree."""
    verdicts, questions = many(0, 1)
    ratings = from_verdicts(verdicts, questions)
    found = rating_interval(ratings, SETTINGS)
    means = ratings_per_question(ratings)[0, :, 0] / 2
    expected = 2 * 1.96 * means.std() / np.sqrt(40)
    assert found.low < found.value < found.high
    assert found.high - found.low == pytest.approx(expected, rel=0.1)


def test_unscored_questions_have_no_part_in_the_interval():
    verdicts, questions = many(0, 1)
    more = [*questions, *(Question(question_id=f"none{i}", turns=["a", "b"]) for i in range(20))]
    with_gaps = rating_interval(from_verdicts(verdicts, more), SETTINGS)
    assert with_gaps == rating_interval(from_verdicts(verdicts, questions), SETTINGS)


def test_differences_are_paired():
    """Levels differ by 6 between questions, methods by 0.2 within them: separable only if paired.

    Questions without ratings of both sides are left out.
    """
    (verdicts, questions), (better, _) = many(0, 1), many(0.2, 2)
    first = from_verdicts(better[:-2], questions)
    second = from_verdicts(verdicts, questions)
    found, n = rating_difference(first, second, SETTINGS)
    assert n == 39
    assert found.value == pytest.approx(0.2, abs=0.06)
    assert found.low > 0.1
    assert found.p_value < 0.01
    with pytest.raises(ValueError, match="not the same questions"):
        rating_difference(first, from_verdicts(verdicts, questions[::-1]), SETTINGS)
