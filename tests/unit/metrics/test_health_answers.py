"""Checks of answers against those of the start, worked out by hand."""

import math

import pytest

from asft.metrics import answer_findings, told
from asft.metrics.health.answers import repeated_share
from asft.records import NO_ANSWER, Completion


def answers(texts, tokens=20, ends="stop"):
    found = {}
    for n, text in enumerate(texts):
        many = tokens[n] if isinstance(tokens, list) else tokens
        end = ends[n] if isinstance(ends, list) else ends
        given = {"turns": [text], "finish_reasons": [end], "tokens": [many]}
        found[str(n)] = Completion(question_id=str(n), **given)
    return told(found)


def check(name, after, before, **options):
    named = [f for f in answer_findings(after, before, **options) if f.name == name]
    return named[0] if named else None


def plain(count=10):
    """Texts without a word twice."""
    return [" ".join(f"w{n}x{place}" for place in range(10)) for n in range(count)]


def test_the_same_answers_are_in_range():
    found = answer_findings(answers(plain()), answers(plain()), "mine", 20)
    assert [f.name for f in found] == ["length", "cut", "repetition", "variety"]
    assert {f.level for f in found} == {"in range"}
    assert {f.benchmark for f in found} == {"mine"}
    assert [f.value for f in found] == [1, 0, 0, 1]


@pytest.mark.parametrize(
    ("after", "chosen", "level"),
    [
        (29, 100, "in range"),  # less than half as long again
        (40, 100, "note"),  # towards what it was trained on
        (40, 20, "warning"),  # away from it
        (40, None, "warning"),
        (10, 100, "warning"),
        (10, 12, "note"),
    ],
)
def test_drift_of_length_has_a_direction(after, chosen, level):
    found = check("length", answers(plain(), after), answers(plain()), chosen_tokens=chosen)
    assert (found.level, found.value) == (level, pytest.approx(after / 20))


def test_length_is_the_geometric_mean_and_has_to_be_separable():
    # Half of the answers ten times as long, half 1/4: mean log = ln(10/4) / 2, far from certain.
    found = check("length", answers(plain(), [200, 5] * 5), answers(plain()))
    assert found.value == pytest.approx(math.sqrt(2.5))
    assert found.level == "in range"


def test_lengths_that_nobody_counted_are_not_compared():
    assert check("length", answers(plain(), None), answers(plain())) is None
    assert check("cut", answers(plain(), ends=""), answers(plain())) is None


def test_more_answers_that_are_cut():
    ends = ["length"] * 6 + ["stop"] * 4
    found = check("cut", answers(plain(), ends=ends), answers(plain()))
    assert (found.level, found.value) == ("warning", 0.6)
    assert found.words == ("60 % of the answers were cut by the token limit, before training 0 %")
    towards = check("cut", answers(plain(), ends=ends), answers(plain()), chosen_tokens=124)
    assert towards.level == "note"
    assert towards.words.endswith("before training 0 %; chosen answers 124 tokens")
    # One of ten is no more than two standard errors: 0.1 ± 0.1.
    found = check("cut", answers(plain(), ends=["length"] + ["stop"] * 9), answers(plain()))
    assert found.level == "in range"


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("a b c d e f", 0),
        ("a b c d e a b c d e", 0.5),  # the second five stood before
        ("a b c d e f a b c d e", 5 / 11),
        ("a b c d a b c d", 0),  # four words are no 5-gram
        ("a a a a a a a a a a", 0.9),  # from its second word on each is in a 5-gram again
        ("", 0),
    ],
)
def test_repeated_5_grams(text, share):
    assert repeated_share(text.split()) == pytest.approx(share)


def test_answers_that_loop():
    loops = [" ".join(["so it goes on and on"] * 5)] * 6 + plain()[6:]
    found = check("repetition", answers(loops), answers(plain()))
    assert (found.level, found.value) == ("warning", 0.6)
    assert check("repetition", answers(loops), answers(loops)).level == "in range"


def test_scripts_without_blanks_are_taken_by_character():
    words = told({"0": Completion(question_id="0", turns=["今天好"], finish_reasons=[], tokens=[])})
    assert words["0"].words == ["今", "天", "好"]
    assert (words["0"].tokens, words["0"].cut) == (None, None)


def test_variety_at_equal_length():
    # Ten answers of ten words, all the same: 9 of 90 pairs of words differ; before, all 90.
    same = answers([plain()[0]] * 10)
    found = check("variety", same, answers(plain()))
    assert (found.level, found.value) == ("note", pytest.approx(0.1))
    assert found.words == (
        "All answers together hold 10 different pairs of words in 100, before training 100 at the"
        " same lengths"
    )
    # Longer answers alone are no loss of variety.
    longer = answers([f"{text} {plain()[0]}" for text in plain()])
    assert check("variety", longer, answers(plain())).value == 1


def test_questions_without_an_answer_do_not_count():
    lost = {"0": Completion(question_id="0", turns=[""], finish_reasons=[NO_ANSWER], tokens=[0])}
    assert told(lost) == {}
    assert answer_findings(answers(plain(7)), answers(plain())) == []  # too few to compare
