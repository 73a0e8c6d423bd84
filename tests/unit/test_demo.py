"""The bundled data: enough of it, each text once, none of it both to train on and to test by."""

import json
import re
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest

from asft.data.answer_formats import load_baseline, load_reference_answers
from asft.data.contamination import find_overlap
from asft.data.pair_formats import FORMATS
from asft.data.question_formats import BENCHMARK_FORMATS
from asft.files import read_json_rows
from asft.judging.prompts import needs_reference

DEMO = Path(__file__).parents[2] / "asft/demo"
TRAINING = ("ultrafeedback", "hh_rlhf", "instructions")
QUESTIONS = {
    "alpaca": "alpaca_en.json",
    "alpaca_dev": "instructions_dev.json",
    "mt_bench": "mt_bench_questions.jsonl",
    "arena_hard": "arena_hard_questions.jsonl",
}
MT_BENCH_CATEGORIES = {
    *("writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem", "humanities"),
}


def rows(name):
    return read_json_rows(DEMO / name)


def pairs(name):
    kind = name if name == "hh_rlhf" else "ultrafeedback_binarized"
    return [FORMATS[kind](row) for row in rows(f"{name}.jsonl")]


def questions(kind):
    read = BENCHMARK_FORMATS[kind.removesuffix("_dev")]
    return [read(row) for row in rows(QUESTIONS[kind])]


def prompts():
    """(id, user turns) of all training pairs."""
    return [
        (pair.id, [message["content"] for message in pair.prompt if message["role"] == "user"])
        for name in TRAINING
        for pair in pairs(name)
    ]


def words(text):
    return set(re.findall(r"\w+", text.casefold()))


def likeness(a, b):
    """Jaccard: words shared, of all words of both."""
    return len(a & b) / len(a | b)


def test_there_is_enough_of_it():
    single, dialogues = pairs("ultrafeedback"), pairs("hh_rlhf")
    assert len(single) >= 64
    assert len(pairs("instructions")) >= 240
    assert len(questions("alpaca_dev")) >= 30
    assert all(len(pair.prompt) == 1 for pair in single)
    assert len(dialogues) >= 48
    assert sum(len(pair.prompt) >= 3 for pair in dialogues) >= 48
    assert len(questions("alpaca")) >= 40


def test_mt_bench_has_two_questions_a_category_of_two_turns_each():
    asked = questions("mt_bench")
    assert Counter(question.category for question in asked) == dict.fromkeys(MT_BENCH_CATEGORIES, 2)
    assert all(len(question.turns) == 2 for question in asked)
    references = load_reference_answers(rows("mt_bench_references.jsonl"))
    judged_beside_one = [q.question_id for q in asked if needs_reference(q.category)]
    assert len(judged_beside_one) == 6  # math, reasoning, coding
    assert all(len(references[question_id]) == 2 for question_id in judged_beside_one)


def test_arena_hard_has_a_baseline_answer_to_each_prompt():
    asked = questions("arena_hard")
    assert len(asked) >= 20
    baseline = load_baseline(rows("arena_hard_baseline.jsonl"))
    assert set(baseline) == {question.question_id for question in asked}
    assert all(len(answer.text) > 100 for answer in baseline.values())


@pytest.mark.parametrize("kind", QUESTIONS)
def test_no_test_question_is_a_training_prompt(kind):
    asked = questions(kind)
    found = find_overlap(prompts(), {kind: asked})[kind]
    assert (found.exact.questions, found.ngram.questions) == ([], [])
    # Nor one in other words: the closest share fewer than 40 % of theirs.
    trained = [(name, words(turn)) for name, turns in prompts() for turn in turns]
    for question in asked:
        for turn in map(words, question.turns):
            if len(turn) >= 5:  # of a follow-up as short as "Now make it shorter" nothing follows
                name, closest = max(trained, key=lambda other: likeness(turn, other[1]))
                assert likeness(turn, closest) < 0.4, (question.question_id, name)


@pytest.mark.parametrize("name", TRAINING)
def test_no_pair_nearly_repeats_another(name):
    found = pairs(name)
    texts = {
        "prompt": [" ".join(m["content"] for m in pair.prompt) for pair in found],
        "chosen": [pair.chosen[0]["content"] for pair in found],
        "rejected": [pair.rejected[0]["content"] for pair in found],
    }
    for kind, given in texts.items():
        bags = [words(text) for text in given]
        for (i, a), (j, b) in combinations(enumerate(bags), 2):
            assert likeness(a, b) < 0.4, f"{name}, {kind} of rows {i + 1} and {j + 1}"


def test_no_alpaca_row_nearly_repeats_another():
    found = [*rows("alpaca_en.json"), *rows("instructions_dev.json")]
    for key in ("instruction", "output"):
        bags = [words(row[key] + row.get("input", "") * (key == "instruction")) for row in found]
        for (i, a), (j, b) in combinations(enumerate(bags), 2):
            assert likeness(a, b) < 0.4, f"{key} of rows {i + 1} and {j + 1}"


@pytest.mark.parametrize("name", TRAINING)
def test_longer_is_not_better(name):
    """Whoever always takes the longer answer is right about as often as by chance."""
    found = pairs(name)
    longer = sum(len(p.chosen[0]["content"]) > len(p.rejected[0]["content"]) for p in found)
    assert 0.3 <= longer / len(found) <= 0.7


@pytest.mark.parametrize("name", ["ultrafeedback", "instructions"])
def test_scores_agree_with_the_choice(name):
    for row in rows(f"{name}.jsonl"):
        assert row["score_chosen"] > row["score_rejected"], json.dumps(row)[:80]
