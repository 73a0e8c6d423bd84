"""A prepared benchmark: the questions kept, the card, samples."""

import json

import pytest

from asft.config.benchmarks import Benchmark
from asft.data.prepare_benchmark import prepare_questions
from asft.errors import UserError
from asft.files import read_jsonl
from asft.records import Question


def ask(out, rows, **settings):
    settings = {"sources": [{"local": "rows.json"}]} | settings
    benchmark = Benchmark(**{"protocol": "references", "format": "alpaca"} | settings)
    prepare_questions(benchmark, "toy", rows, out)
    questions = read_jsonl(out / "questions.jsonl", Question)
    return json.loads((out / "card.json").read_text()), [q.turns[0] for q in questions]


QUESTIONS = [{"instruction": f"Question {n}", "input": "", "output": "Answer"} for n in range(9)]


def test_benchmark(tmp_path):
    bad = [QUESTIONS[0], {"instruction": "x", "output": ""}]
    card, turns = ask(tmp_path, [*QUESTIONS, *bad], max_dropped_share=0.2)
    assert (card["rows"], card["kept"], card["asked"]) == (11, 9, 9)
    assert card["dropped"] == {"duplicate": 1, "empty_reference": 1}
    assert turns == [f"Question {n}" for n in range(9)]


def test_benchmark_of_which_too_much_is_dropped(tmp_path):
    bad = [{"instruction": f"x{n}", "output": ""} for n in range(3)]
    message = r"25.0% unusable of 12 rows.* raise benchmarks.toy.max_dropped_share \(now 0.2\)"
    with pytest.raises(UserError, match=message):
        ask(tmp_path, [*QUESTIONS, *bad])
    assert not list(tmp_path.iterdir())
    assert ask(tmp_path, [*QUESTIONS, *bad], max_dropped_share=0.25)[0]["kept"] == 9


def test_benchmark_samples(tmp_path):
    assert ask(tmp_path, QUESTIONS, limit=3)[1] == ["Question 0", "Question 1", "Question 2"]
    card, drawn = ask(tmp_path, QUESTIONS, limit=4, sample_seed=1)
    assert card["asked"] == len(set(drawn)) == 4
    assert drawn == sorted(drawn)
    assert drawn == ask(tmp_path, QUESTIONS, limit=4, sample_seed=1)[1]
    assert drawn != ask(tmp_path, QUESTIONS, limit=4, sample_seed=3)[1]
    assert len(ask(tmp_path, QUESTIONS, limit=100)[1]) == 9


def test_benchmark_without_questions(tmp_path):
    with pytest.raises(UserError, match=r"benchmark 'toy' \(alpaca\): no usable row of 1 rows"):
        ask(tmp_path, [{"question": "x"}])
    assert not list(tmp_path.iterdir())


def test_cards_name_sources_that_may_change(tmp_path):
    commit, branch = ({"hub": "owner/name", "revision": name} for name in ("a" * 40, "main"))
    card, _ = ask(tmp_path, QUESTIONS, sources=[commit], prompts=[branch | {"file": "x"}])
    assert card["unpinned"] == ["owner/name at main"]


def test_a_benchmark_may_be_some_categories(tmp_path):
    rows = [
        {"uid": f"{n}", "category": category, "prompt": f"Question {n}"}
        for n, category in enumerate(("hard_prompt", "creative_writing", "hard_prompt"))
    ]
    settings = {"protocol": "arena_hard_v2", "format": "arena_hard"}
    card, turns = ask(tmp_path, rows, categories=["hard_prompt"], limit=1, **settings)
    assert (turns, card["categories"], card["kept"]) == (["Question 0"], ["hard_prompt"], 3)
    card, turns = ask(tmp_path, rows, **settings)
    assert (len(turns), "categories" in card) == (3, False)
    with pytest.raises(UserError, match=r"no question of category 'hard_prompts'.*'hard_prompt'"):
        ask(tmp_path, rows, categories=["hard_prompts"], **settings)


def test_questions_with_more_turns_than_can_be_scored_are_refused_first(tmp_path):
    rows = [
        {"question_id": n, "category": "writing", "turns": ["?"] * count}
        for n, count in enumerate((2, 1, 3, 4))
    ]
    settings = {"protocol": "mt_bench", "format": "mt_bench"}
    message = r"2 of 4 questions have more turns than the 2 .* mt_bench .*\(first: '2' with 3\)"
    with pytest.raises(UserError, match=message):
        ask(tmp_path, rows, **settings)
    assert not list(tmp_path.iterdir())
    assert ask(tmp_path, rows, limit=2, **settings)[0]["asked"] == 2
    game = [{"uid": "a", "turns": [{"content": "?"}, {"content": "And?"}]}]
    with pytest.raises(UserError, match=r"more turns than the 1 .* protocol arena_hard"):
        ask(tmp_path, game, protocol="arena_hard", format="arena_hard")


def test_parts_share_no_question_and_leave_none_out(tmp_path):
    rows = [{"instruction": f"Question {n}", "input": "", "output": "A"} for n in range(400)]
    parts = {}
    for of in ("selection", "test"):
        card, parts[of] = ask(tmp_path / of, rows, part={"of": of, "share": 0.3})
        assert card["part"] == {"of": of, "share": 0.3}
        assert card["asked"] == len(parts[of])
    assert not set(parts["selection"]) & set(parts["test"])
    assert len(parts["selection"]) + len(parts["test"]) == 400
    assert 90 < len(parts["selection"]) < 150
    # Neither the order of the rows nor spaces and capitals move a question.
    again = [row | {"instruction": f" {row['instruction'].upper()} "} for row in reversed(rows)]
    _, found = ask(tmp_path / "again", again, part={"of": "test", "share": 0.3})
    assert {text.strip().capitalize() for text in found} == set(parts["test"])
    lone = [{"instruction": parts["test"][0], "input": "", "output": "A"}]
    with pytest.raises(UserError, match="no question of 1 is in its part selection"):
        ask(tmp_path / "one", lone, part={"of": "selection", "share": 0.3})
