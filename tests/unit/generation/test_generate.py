"""The step that answers: a killed run continues; categories have temperatures."""

import json

import pytest
from small_questions import GREEDY, QUESTIONS, SAMPLED

from asft.config.generation import Generation
from asft.files import read_jsonl, write_jsonl
from asft.generation import answering
from asft.generation.answering import answer_share
from asft.generation.generate import decoding_of, generate_answers
from asft.records import Completion, Question


def run_step(tiny, folder, seed=0, decoding=GREEDY):
    questions, out = folder / "questions.jsonl", folder / "out.jsonl"
    write_jsonl(questions, QUESTIONS)
    generation = Generation(batch_size=2, precision="fp32")
    settings = {"decoding": decoding.model_dump(), "generation": generation.model_dump()}
    generate_answers(json.dumps(settings), tiny, questions, out, seed)
    return out


class Killed(Exception):
    """Stands for a kill in the middle."""


@pytest.mark.parametrize("decoding", [GREEDY, SAMPLED])
def test_a_killed_run_continues_where_it_stopped(tiny, tmp_path, monkeypatch, decoding):
    monkeypatch.setattr(answering, "_SHARE", 1)
    whole = run_step(tiny, (tmp_path / "a"), decoding=decoding).read_bytes()
    asked = []

    def dying(model, tokenizer, share, *rest):
        if len(asked) == 2:
            raise Killed
        asked.append(share)
        return answer_share(model, tokenizer, share, *rest)

    folder = tmp_path / "b"
    monkeypatch.setattr(answering, "answer_share", dying)
    with pytest.raises(Killed):
        run_step(tiny, folder, decoding=decoding)
    partial = folder / "out.partial"
    with partial.open("a") as file:
        file.write('{"question_id": "cut sho')  # a line cut by the kill
    rest = []

    def counting(model, tokenizer, share, *more):
        rest.append(share)
        return answer_share(model, tokenizer, share, *more)

    monkeypatch.setattr(answering, "answer_share", counting)
    assert run_step(tiny, folder, decoding=decoding).read_bytes() == whole
    assert len(rest) == 2  # of four shares
    assert not partial.exists()


def test_partial_answers_to_something_else_are_not_used(tiny, tmp_path, monkeypatch):
    out = run_step(tiny, tmp_path)
    partial = tmp_path / "out.partial"
    stale = [Completion(question_id="0", turns=["stale"], finish_reasons=["stop"], tokens=[1])]
    partial.write_text("another key\n" + stale[0].model_dump_json() + "\n")
    again = read_jsonl(run_step(tiny, tmp_path), Completion)
    assert again[0].turns != ["stale"]
    assert [c.question_id for c in again] == [q.question_id for q in QUESTIONS]
    assert out.exists()


def test_temperatures_of_categories():
    """FastChat's table where it is given: 0.7 for a category that it does not name."""
    settings = {"decoding": {"max_new_tokens": 9}, "temperatures": {"math": 0, "stem": 0.1}}
    found = {
        category: decoding_of(Question(question_id="q", category=category, turns=["?"]), table)
        for category, table in [
            *((name, settings) for name in ("math", "stem", "gardening")),
            ("plain", settings | {"temperatures": {}}),
        ]
    }
    assert {name: d.do_sample for name, d in found.items()} == {
        **{"math": False, "stem": True, "gardening": True, "plain": False},
    }
    assert (found["stem"].temperature, found["gardening"].temperature) == (0.1, 0.7)
    assert {d.max_new_tokens for d in found.values()} == {9}
