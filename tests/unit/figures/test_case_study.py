"""Figure 3's rule: which question is shown, with which rating and words."""

import pytest
from figure_inputs import QUESTIONS, contestant

from asft.errors import UserError
from asft.figures.case_study import case_study, probabilities_in_words
from asft.records import Verdict


def test_the_case_is_the_largest_spread():
    table = case_study(
        QUESTIONS, {"dpo": contestant(1, 5, 9, 5), "asft": contestant(2, 9, 9, 6)}, "j"
    )
    assert set(table["question_id"]) == {"q1"}
    assert list(table["method"]) == ["dpo", "asft"]
    assert list(table["rating"]) == [5, 9]
    assert set(table["spread"]) == {4}


def test_of_equal_spreads_the_first_question_wins():
    table = case_study(
        QUESTIONS, {"dpo": contestant(5, 3, 7, 1), "asft": contestant(5, 6, 4, 2)}, "j"
    )
    assert set(table["question_id"]) == {"q1"}


def test_a_question_without_a_rating_of_every_method_is_left_out():
    methods = {"dpo": contestant(1, 5, 5, None), "asft": contestant(None, 6, 5, 10)}
    assert set(case_study(QUESTIONS, methods, "j")["question_id"]) == {"q1"}
    nothing = {"dpo": contestant(1, 1, None, None), "asft": contestant(None, None, 2, 2)}
    assert case_study(QUESTIONS, nothing, "j").empty


def test_repeats_are_averaged_and_the_first_valid_words_shown():
    one = contestant(4, 4, 4, 4, words="first")
    again = [v.model_copy(update={"repeat": 1, "judgments": ["again"]}) for v in one.verdicts]
    again[0] = again[0].model_copy(update={"rating": 8.0})
    failed = one.verdicts[0].model_copy(update={"status": "no_verdict", "rating": None})
    both = one._replace(verdicts=[*again, *one.verdicts])
    row = case_study(QUESTIONS, {"dpo": both, "asft": contestant(4, 4, 4, 4)}, "j").iloc[0]
    assert (row["rating"], row["n_ratings"], row["judgment"]) == (6, 2, "first")
    second = one._replace(verdicts=[*again, failed, *one.verdicts[1:]])
    row = case_study(QUESTIONS, {"dpo": second, "asft": contestant(4, 4, 4, 4)}, "j").iloc[0]
    assert (row["rating"], row["n_ratings"], row["judgment"]) == (8, 1, "again")


def test_a_judge_that_gives_probabilities():
    verdict = Verdict(
        question_id="q", status="ok", rating=2, probabilities={"[[1]]": 0.3, "[[10]]": 0.7}
    )
    assert probabilities_in_words(verdict) == "10: 70 %, 1: 30 %"


def test_an_answer_that_is_missing_is_an_error():
    methods = {"dpo": contestant(1, 1, 1, 1)._replace(completions=[])}
    with pytest.raises(UserError, match="dpo: no answer to question 'q0'"):
        case_study(QUESTIONS, methods, "j")
