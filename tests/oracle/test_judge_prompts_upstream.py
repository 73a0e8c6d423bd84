"""Messages byte for byte as FastChat 0e6d3e4 and arena-hard-auto e883410 send them.

On the benchmarks' real files, against rules stated here anew and without the package's renderer:
a placeholder is replaced by the text as it lies in the upstream file.
"""

import hashlib
import json
import os
import re
from pathlib import Path

import pytest
import yaml

from asft.data.answer_formats import load_baseline, load_reference_answers, require_answers
from asft.data.question_formats import arena_hard, mt_bench
from asft.files import read_json_rows
from asft.judging.prompts import (
    game_messages,
    load_game_prompts,
    load_rating_prompts,
    needs_reference,
    rating_messages,
)
from asft.records import Completion

SLICES = Path(os.environ.get("ASFT_TEST_DATA", Path(__file__).parents[3] / "shared/data"))
MT_BENCH, ARENA_HARD = SLICES / "mt_bench", SLICES / "arena_hard"

pytestmark = pytest.mark.skipif(
    not SLICES.is_dir(), reason=f"no slices of real data in {SLICES} (set ASFT_TEST_DATA)"
)

# Beginnings of the sha256. All but the last, a slice, are whole files of FastChat 0e6d3e4,
# arena-hard-auto e883410 (judge_config.yaml) and 196f6b8 (the new schema).
SHA256 = {
    "mt_bench/judge_prompts.jsonl": "fd283293406d024f44c174b094ef4803",
    "mt_bench/question.jsonl": "119565adbab82227089cefdb44c8d7e2",
    "mt_bench/reference_answer-gpt-4.jsonl": "f957a5bc977badb66885ec970e6cd085",
    "arena_hard/judge_config.yaml": "6e001736bacacdb1591ffca7eec953a7",
    "arena_hard/question.jsonl": "2650242d2883f22b2abd498f273b6a7e",
    "arena_hard/answer-gpt-4-0314.jsonl": "0f6abc84de4600fde987d9db70f838f4",
    "arena_hard/answer-gpt-3.5-turbo-0125-100.jsonl": "e41721e517100e0b3819da349c6b4374",
}


def lines(path):
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def fill(template, values):
    """The template with each {name} replaced, by cutting it at its placeholders."""
    texts, names = re.split(r"\{\w+\}", template), re.findall(r"\{(\w+)\}", template)
    filled = [text + values[name] for text, name in zip(texts, names, strict=False)]
    return "".join(filled) + texts[-1]


def sent(system, user):
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


@pytest.mark.parametrize("name", SHA256)
def test_files_are_upstreams(name):
    digest = hashlib.sha256((SLICES / name).read_bytes()).hexdigest()
    assert digest.startswith(SHA256[name])


def test_mt_bench_messages():
    """All 80 questions, both turns; reference answers for 101 to 130 and for no others."""
    prompts = load_rating_prompts(MT_BENCH / "judge_prompts.jsonl")
    references = load_reference_answers(read_json_rows(MT_BENCH / "reference_answer-gpt-4.jsonl"))
    raw_prompts = {row["name"]: row for row in lines(MT_BENCH / "judge_prompts.jsonl")}
    raw_references = {
        row["question_id"]: row["choices"][0]["turns"]
        for row in lines(MT_BENCH / "reference_answer-gpt-4.jsonl")
    }
    seen = set()
    for row in lines(MT_BENCH / "question.jsonl"):
        # Braces and brackets as code has them; whitespace that must stay.
        answers = [f" d = {{'n': {row['question_id']}}} # [[3]]\n", "{answer_1} {0} {{}}\n\n"]
        values = {"question": row["turns"][0], "answer": answers[0]}
        for n in (1, 2):
            values[f"question_{n}"], values[f"answer_{n}"] = row["turns"][n - 1], answers[n - 1]
        with_reference = 101 <= row["question_id"] <= 130
        if with_reference:
            for n in (1, 2):
                values[f"ref_answer_{n}"] = raw_references[row["question_id"]][n - 1]
        question = mt_bench(row)
        assert needs_reference(question.category) == with_reference
        completion = Completion(
            question_id=question.question_id,
            turns=answers,
            finish_reasons=["stop", "stop"],
            tokens=[9, 9],
        )
        for turn, suffix in ((1, ""), (2, "-multi-turn")):
            name = ("single-math-v1" if with_reference else "single-v1") + suffix
            raw = raw_prompts[name]
            expected = sent(raw["system_prompt"], fill(raw["prompt_template"], values))
            given = references.get(question.question_id, [])
            messages = rating_messages(prompts, question, completion, turn, given, "paper")
            assert messages == expected
            seen.add((question.question_id, name))
    assert len(seen) == 160


def test_mt_bench_systems():
    """Turn 1 has the plain system message, turn 2 the instruction with its typo and line ends."""
    prompts = load_rating_prompts(MT_BENCH / "judge_prompts.jsonl")
    for name, template in prompts.items():
        if name.endswith("multi-turn"):
            assert "You evaluation should focus" in template.system
            assert template.system.endswith("\n\n")
        else:
            assert template.system == "You are a helpful assistant."
            assert template.user.startswith("[Instruction]\n")


def test_arena_hard_messages():
    """All 500 prompts, both games, from the new schema and from the old one of e883410."""
    prompts = load_game_prompts(ARENA_HARD / "judge_config.yaml")
    raw = yaml.safe_load((ARENA_HARD / "judge_config.yaml").read_text(encoding="utf-8"))
    rows = lines(ARENA_HARD / "question.jsonl")
    base_rows = lines(ARENA_HARD / "answer-gpt-4-0314.jsonl")
    model_rows = lines(ARENA_HARD / "answer-gpt-3.5-turbo-0125-100.jsonl")
    baseline, model = load_baseline(base_rows), load_baseline(model_rows)
    require_answers(baseline, map(arena_hard, rows))
    base_texts, model_texts = (
        {row["uid"]: row["messages"][1]["content"]["answer"] for row in answers}
        for answers in (base_rows, model_rows)
    )
    assert (len(rows), len(base_texts), len(model_texts)) == (500, 500, 100)
    for row, other in zip(rows, [*rows[1:], rows[0]], strict=True):
        uid = row["uid"]
        old = {"question_id": uid, "turns": [{"content": row["prompt"]}]}
        # Where gpt-3.5's answer is not in the slice, gpt-4's to another prompt stands for it.
        text = model[uid].text if uid in model else baseline[other["uid"]].text
        given = model_texts.get(uid, base_texts[other["uid"]])
        for game, (a, b) in {1: (base_texts[uid], given), 2: (given, base_texts[uid])}.items():
            values = {"question_1": row["prompt"], "answer_1": a, "answer_2": b}
            expected = sent(raw["system_prompt"], fill(raw["prompt_template"][0], values))
            for question in (arena_hard(row), arena_hard(old)):
                messages = game_messages(prompts, question, text, baseline[uid].text, game, "paper")
                assert messages == expected


def test_what_upstream_does_not_strip():
    """The outer whitespace of 72 prompts and 2 baseline answers reaches the judge."""
    prompts = [arena_hard(row).turns[0] for row in lines(ARENA_HARD / "question.jsonl")]
    baseline = load_baseline(read_json_rows(ARENA_HARD / "answer-gpt-4-0314.jsonl"))
    assert sum(text != text.strip() for text in prompts) == 72
    assert sum(answer.text != answer.text.strip() for answer in baseline.values()) == 2
    assert {answer.tokens for answer in baseline.values()} == {None}


def test_what_the_questions_say_of_themselves():
    questions = [mt_bench(row) for row in lines(MT_BENCH / "question.jsonl")]
    assert len({q.category for q in questions}) == 8
    assert {len(q.turns) for q in questions} == {2}
    assert sum(bool(q.references) for q in questions) == 39
    clusters = [arena_hard(row).category for row in lines(ARENA_HARD / "question.jsonl")]
    assert len(set(clusters)) == 250
