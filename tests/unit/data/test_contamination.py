"""Test questions that occur among training prompts."""

import time

from asft.data.contamination import Hits, count_overlap
from asft.data.contamination import find_overlap as find_by_benchmark
from asft.records import Question

LONG = "Write a short story about a fox who learns to share food with her two sisters"  # 16 words
NONE = Hits([], [])


def question(name, *turns):
    return Question(question_id=name, turns=list(turns))


def find_overlap(prompts, questions):
    return find_by_benchmark(prompts, {"one": questions})["one"]


def test_exact_ignores_case_punctuation_and_space():
    questions = [question("q1", "What is  ASFT?"), question("q2", "Why?")]
    prompts = [("p1", ["what is asft"]), ("p2", ["What is ASFT, then?"]), ("p0", ["What is asft!"])]
    found = find_overlap(prompts, questions)
    assert found.exact == Hits(["q1"], ["p0", "p1"])
    assert found.ngram == NONE


def test_any_turn_counts():
    questions = [question("q1", "First", "Then this")]
    assert find_overlap([("p", ["Hello", "then this."])], questions).exact == Hits(["q1"], ["p"])


def test_thirteen_words_in_a_row():
    words = LONG.split()
    questions = [question("q1", LONG), question("q2", f"Please: {LONG}")]
    within = "Tell me this: " + " ".join(words[1:14]) + " and stop"
    too_short = " ".join(words[1:13])
    found = find_overlap([("p1", [within]), ("p2", [too_short])], questions)
    assert found.exact == NONE
    assert found.ngram == Hits(["q1", "q2"], ["p1"])


def test_runs_do_not_cross_turns():
    words = LONG.split()
    halves = [" ".join(words[:8]), " ".join(words[8:])]
    assert find_overlap([("p", halves)], [question("q", LONG)]).ngram == NONE


def test_text_without_words_matches_nothing():
    assert find_overlap([("p", ["???"])], [question("q", "!!!")]).exact == NONE


def test_time_is_linear():
    questions = [question(str(n), f"{LONG} number {n}") for n in range(2000)]
    prompts = [
        (
            str(n),
            [f"another prompt of some dozen words about number {n}, which is not asked anywhere"]
            * 4,
        )
        for n in range(5000)
    ]
    start = time.perf_counter()
    assert find_overlap(prompts, questions).ngram == NONE
    assert time.perf_counter() - start < 5  # all against all would be 10^7 comparisons


def test_benchmarks_are_counted_apart_and_together():
    """Their questions may bear the same id; a pair that holds two counts once in all."""
    asked = {"a": [question("1", "Why?"), question("2", LONG)], "b": [question("1", "How so?")]}
    prompts = [("p", ["Why", LONG, "How so"]), ("q", ["how so?"])]
    found = count_overlap(prompts, asked)
    assert found["questions"] == 3
    assert found["any_turn"]["exact"] == {"questions": 3, "pairs": 2}
    assert found["any_turn"]["ngram13"] == {"questions": 1, "pairs": 1}
    assert found["last_user_turn"]["exact"] == {"questions": 1, "pairs": 2}
    by = found["by_benchmark"]
    assert (by["a"]["questions"], by["b"]["questions"]) == (2, 1)
    assert by["a"]["last_user_turn"]["exact"]["questions"] == 0
    assert by["b"]["last_user_turn"]["exact"]["first_pairs"] == ["p", "q"]
    assert by["a"]["any_turn"]["exact"]["first_questions"] == ["1", "2"]
