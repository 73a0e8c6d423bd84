"""Pairs of Arena-Hard's games and FastChat's judgments, with texts from other files."""

from pathlib import Path
from typing import Any

import pytest
from published_judgments import graded, played, write

from asft.config import Agreement
from asft.errors import UserError
from asft.judging.published_pairs import read_published


def answer(question: Any, model: str, **keys: str) -> dict[str, Any]:
    named = keys or {"model_id": model}
    turns = [f"{model} on {question}", "later"]
    return {"question_id": question, **named, "choices": [{"turns": turns}]}


def arena_answer(question: str, model: str) -> dict[str, Any]:
    content = {"content": f"{model} on {question}", "token_len": 3}
    return {"question_id": question, "model_id": model, "choices": [{"turns": [content]}]}


def settings(folder: Path, form: str) -> Agreement:
    parts = {"sources": "judgments", "questions": "questions", "answers": "answers"}
    named = {key: [{"local": str(folder / f"{name}.jsonl")}] for key, name in parts.items()}
    return Agreement.model_validate({"format": form, **named})


def test_arena_hard(tmp_path: Path):
    rows = [
        played("q0", "A>>B", "B>A"),  # the baseline, twice
        played("q1", "B>A", "A=B"),  # ours, and a tie
        played("q2", "A>B", "A>>B"),  # the first shown: neither
        played("q3", "B>A", None),
        played("q4", "B>A", "A>B"),  # has no answer
        played("q0", "A=B", "A=B", model="gpt-4-0314"),
    ]
    write(tmp_path / "judgments.jsonl", rows)
    questions = [
        {"question_id": f"q{n}", "cluster": "c", "turns": [{"content": f"Ask {n}"}]}
        for n in range(5)
    ]
    write(tmp_path / "questions.jsonl", questions)
    models = [(f"q{n}", model) for n in range(5) for model in ("m", "gpt-4-0314")][:-1]
    write(tmp_path / "answers.jsonl", [arena_answer(*named) for named in models])
    found = read_published(settings(tmp_path, "arena_hard"))
    assert [(pair.question.turns, pair.preference) for pair in found.pairs] == [
        (["Ask 0"], 0.0),
        (["Ask 1"], 0.75),
    ]
    assert found.pairs[0].models == ("gpt-4-0314", "m")
    assert found.pairs[0].answers == ("gpt-4-0314 on q0", "m on q0")
    left_out = {"prefers neither answer": 1, "no verdict": 1, "no answer": 1}
    assert (found.judge, found.left_out) == ("gpt-4-1106-preview", left_out)


def compared(question: int, first: str, second: str, turn: int = 1) -> dict[str, Any]:
    row = {"question_id": question, "model_1": "a", "model_2": "b", "judge": ["gpt-4", "pair-v2"]}
    return row | {"g1_winner": first, "g2_winner": second, "turn": turn}


def fastchat(folder: Path, rows: list[dict[str, Any]]) -> Agreement:
    write(folder / "judgments.jsonl", rows)
    turns = {"category": "stem", "turns": ["Ask", "Ask more"]}
    write(folder / "questions.jsonl", [{"question_id": n, **turns} for n in range(4)])
    write(folder / "answers.jsonl", [answer(n, model) for n in range(4) for model in "abc"])
    return settings(folder, "fastchat")


def test_fastchat_s_pairs(tmp_path: Path):
    """As show_result.py: a winner where both games name it, else a tie."""
    rows = [compared(0, "model_2", "model_2"), compared(1, "model_1", "model_1")]
    rows += [compared(2, "model_1", "tie"), compared(3, "error", "tie")]
    rows += [compared(0, "model_1", "model_1", turn=2)]
    found = read_published(fastchat(tmp_path, rows))
    assert [(pair.answers, pair.preference) for pair in found.pairs] == [
        (("a on 0", "b on 0"), 1.0),
        (("a on 1", "b on 1"), 0.0),
    ]
    assert found.pairs[0].question.turns == ["Ask"]
    assert found.left_out == {"prefers neither answer": 1, "no verdict": 1}


def test_gradings_of_one_question_are_pairs(tmp_path: Path):
    scores = {"a": 3, "b": 9, "c": 3}
    rows = [graded(0, 1, score, model) for model, score in scores.items()]
    rows += [graded(1, 1, -1, "a"), graded(1, 1, 5, "b"), graded(0, 2, 10, "a")]
    found = read_published(fastchat(tmp_path, rows))
    assert [(pair.models, pair.preference) for pair in found.pairs] == [
        (("a", "b"), 1.0),
        (("b", "c"), 0.0),
    ]
    assert found.left_out == {"prefers neither answer": 1}


def test_rows_without_a_key_are_named(tmp_path: Path):
    row = compared(0, "tie", "tie")
    del row["model_2"]
    with pytest.raises(UserError, match="published verdicts, row 1: no key 'model_2'"):
        read_published(fastchat(tmp_path, [row]))


def test_texts_need_sources(tmp_path: Path):
    with pytest.raises(ValueError, match="the format fastchat needs sources of the questions"):
        Agreement.model_validate({"format": "fastchat", "sources": [{"local": "x"}]})
