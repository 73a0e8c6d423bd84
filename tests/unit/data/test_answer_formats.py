"""Reference and baseline answers in every upstream schema, and rows that are none."""

import pytest

from asft.data.answer_formats import (
    BaselineAnswer,
    load_baseline,
    load_completions,
    load_reference_answers,
    require_answers,
)
from asft.data.question_formats import alpaca_eval, arena_hard, mt_bench
from asft.data.rows import Unusable
from asft.errors import UserError
from asft.records import Question

OLD_QUESTION = {
    "question_id": "a1",
    "category": "arena-hard-v0.1",
    "cluster": "Chess",
    "turns": [{"content": " Mate in two? "}],
}
NEW_QUESTION = {
    "uid": "a1",
    "category": "arena-hard-v0.1",
    "cluster": "Chess",
    "prompt": " Mate in two? ",
}
OLD = {
    "question_id": "a1",
    "answer_id": "x",
    "model_id": "m",
    "choices": [{"index": 0, "turns": [{"content": "Qh5\n", "token_len": 3}]}],
    "tstamp": 0,
}
NEW = {
    "uid": "a1",
    "ans_id": "x",
    "model": "m",
    "messages": [
        {"role": "user", "content": " Mate in two? "},
        {"role": "assistant", "content": {"answer": "Qh5\n"}},
    ],
    "tstamp": 0,
    "metadata": {"token_len": 3},
}
REFERENCE = {"question_id": 101, "choices": [{"index": 0, "turns": ["Second.", "Last."]}]}


def reason(parse, row):
    with pytest.raises(Unusable) as fault:
        parse(row)
    return fault.value.reason


def test_outputs_of_alpaca_eval_are_answers_to_what_they_name():
    row = {"instruction": "Add.", "output": "3\n", "generator": "gpt4", "dataset": "vicuna"}
    question_id = alpaca_eval(row).question_id
    expected = BaselineAnswer(question_id=question_id, text="3\n", model="gpt4")
    assert load_baseline([row]) == {question_id: expected}
    (answer,) = load_completions([row]).values()
    assert (answer.question_id, answer.turns, answer.tokens) == (question_id, ["3\n"], [])
    with pytest.raises(UserError, match="missing_output"):
        load_baseline([{"instruction": "Add."}])


def test_both_schemas_of_arena_hard():
    assert arena_hard(OLD_QUESTION) == arena_hard(NEW_QUESTION)
    assert arena_hard(NEW_QUESTION) == Question(
        question_id="a1", category="Chess", turns=[" Mate in two? "]
    )
    assert arena_hard({"uid": "a1", "prompt": "?"}).category == ""


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"prompt": "Hi"}, "missing_question_id"),
        ({"uid": "a1"}, "missing_turns"),
        ({"uid": "a1", "prompt": None}, "missing_prompt"),
        ({"uid": "a1", "prompt": " \n"}, "empty_turn"),
        ({"uid": "a1", "turns": ["Hi"]}, "malformed"),
        ({"uid": "a1", "turns": [{}]}, "missing_content"),
        ({"uid": True, "prompt": "Hi"}, "malformed"),
        ({"uid": "a1", "prompt": "\ud83d"}, "invalid_unicode"),
    ],
)
def test_arena_hard_dropped(row, expected):
    assert reason(arena_hard, row) == expected


def test_mt_bench():
    row = {"question_id": 81, "category": "math", "turns": ["1+1?", " And +1?"]}
    assert mt_bench(row) == Question(
        question_id="81", category="math", turns=["1+1?", " And +1?"], references=[]
    )
    assert mt_bench(row | {"reference": ["2", "3"]}).references == ["2", "3"]
    assert mt_bench(row | {"reference": []}).references == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"question_id": None}, "missing_question_id"),
        ({"category": None}, "missing_category"),
        ({"turns": []}, "malformed"),
        ({"turns": ["a", ""]}, "empty_turn"),
        ({"reference": "2"}, "malformed"),
    ],
)
def test_mt_bench_dropped(changes, expected):
    row = {"question_id": 81, "category": "math", "turns": ["1+1?", "And +1?"]} | changes
    assert reason(mt_bench, row) == expected


def test_baseline_in_both_schemas():
    expected = {"a1": BaselineAnswer(question_id="a1", text="Qh5\n", tokens=3, model="m")}
    assert load_baseline([OLD]) == load_baseline([NEW]) == expected
    assert load_baseline([OLD, NEW]) == expected


def test_of_several_baseline_answers_the_last_valid_one():
    rows = [OLD | {"choices": [{"turns": [{"content": text}]}]} for text in ("Qh4", "Qh6", " ")]
    assert load_baseline(rows, last=True)["a1"].text == "Qh6"


def test_converted_files_have_no_token_counts():
    assert load_baseline([{k: v for k, v in NEW.items() if k != "metadata"}])["a1"].tokens is None
    assert load_baseline([NEW | {"metadata": {}}])["a1"].tokens is None


def test_reference_answers():
    assert load_reference_answers([REFERENCE]) == {"101": ["Second.", "Last."]}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({}, r"b.jsonl, row 2: not an answer \(missing_question_id\)"),
        ({"uid": "a2"}, "row 2: .*missing_choices"),
        ({"uid": "a2", "choices": [3]}, "row 2: .*malformed"),
        ({"uid": "a2", "messages": [{"role": "user", "content": "Hi"}]}, "row 2: .*malformed"),
        (NEW | {"uid": "a2", "metadata": {"token_len": "3"}}, "row 2: .*malformed"),
        (OLD | {"choices": [{"turns": [{"content": "Qh4"}]}]}, "row 2: a second, different .*'a1'"),
    ],
)
def test_baseline_refused(row, message):
    with pytest.raises(UserError, match=message):
        load_baseline([NEW, row], "b.jsonl")


def test_references_refused():
    with pytest.raises(UserError, match=r"reference answers, row 1: not an answer \(malformed\)"):
        load_reference_answers([{"question_id": 101, "choices": [{"turns": [{"content": "x"}]}]}])


def test_missing_answers_are_named():
    questions = [Question(question_id=str(n), turns=["?"]) for n in range(3)]
    require_answers({"0", "1", "2", "3"}, questions)
    with pytest.raises(UserError, match=r"refs.jsonl: no answer to 2 of 3 questions \(first: '1'"):
        require_answers({"0": "x"}, questions, "refs.jsonl")
