"""The score step: what it writes, and which files it refuses."""

import csv
from pathlib import Path

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU

from asft.errors import UserError
from asft.files import write_jsonl
from asft.metrics.bleu_rouge import plain_row
from asft.metrics.corpus import BLEU_COUNTS, METRICS
from asft.metrics.score import score_answers
from asft.metrics.score_files import in_all, read_scores
from asft.records import NO_ANSWER, Completion, Question

QUESTIONS = [
    Question(question_id="q1", category="a, b", turns=["?"], references=["the cat is on the mat"]),
    Question(question_id='q"2\n', turns=["?"], references=["一 two three four", "two"]),
    Question(question_id="q3", turns=["?"], references=["yes"]),
]
ANSWERS = {"q3": "", "q1": "the cat sat on the mat", 'q"2\n': "two three four five"}
COMPLETIONS = [
    Completion(question_id=key, turns=[text], finish_reasons=["stop"], tokens=[len(text)])
    for key, text in ANSWERS.items()
]


def run(folder: Path, questions: list[Question], completions: list[Completion]) -> Path:
    write_jsonl(folder / "questions.jsonl", questions)
    write_jsonl(folder / "completions.jsonl", completions)
    score_answers(folder / "questions.jsonl", folder / "completions.jsonl", folder / "scores.csv")
    return folder / "scores.csv"


def test_rows_follow_the_questions(tmp_path: Path):
    path = run(tmp_path, QUESTIONS, COMPLETIONS)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    measured = [column for metric in METRICS.values() for column in metric.columns]
    others = ["question_id", "category", "tokens", "finish_reason", "bleu_signature"]
    assert sorted(rows[0]) == sorted(measured + others)
    assert list(rows[0])[:2] == others[:2]
    assert [row["question_id"] for row in rows] == ["q1", 'q"2\n', "q3"]
    assert [row["category"] for row in rows] == ["a, b", "", ""]
    assert [row["tokens"] for row in rows] == ["22", "19", "0"]
    assert {row["finish_reason"] for row in rows} == {"stop"}
    exact = plain_row("the cat sat on the mat", ["the cat is on the mat"])
    assert float(rows[0]["rouge1"]) == exact["rouge1"]  # no digit lost
    assert [int(rows[0][name]) for name in BLEU_COUNTS] == [5, 3, 1, 0, 6, 5, 4, 3, 6, 6]
    assert rows[0]["bleu_signature"].startswith("nrefs:var|")


def test_corpus_bleu_comes_back_from_the_file(tmp_path: Path):
    with run(tmp_path, QUESTIONS, COMPLETIONS).open(newline="", encoding="utf-8") as file:
        sums = [0] * len(BLEU_COUNTS)
        for row in csv.DictReader(file):
            sums = [total + int(row[name]) for total, name in zip(sums, BLEU_COUNTS, strict=True)]
    again = BLEU.compute_bleu(sums[:4], sums[4:8], sums[8], sums[9], smooth_method="exp")
    direct = BLEU().corpus_score(
        [ANSWERS[question.question_id] for question in QUESTIONS],
        [[question.references[0] for question in QUESTIONS], [None, "two", None]],
    )
    assert again.score == direct.score > 0


def test_same_bytes_twice(tmp_path: Path):
    first = run(tmp_path, QUESTIONS, COMPLETIONS).read_bytes()
    assert run(tmp_path, QUESTIONS, COMPLETIONS[::-1]).read_bytes() == first
    assert b"\r" not in first
    assert first.endswith(b"\n")


@pytest.mark.parametrize(
    ("questions", "completions", "message"),
    [
        (QUESTIONS, COMPLETIONS[:1], r"completions\.jsonl: no completion of question_id 'q1'$"),
        (QUESTIONS[:1], COMPLETIONS, r"completions\.jsonl: question_id 'q3' is not in .*questions"),
        (QUESTIONS * 2, COMPLETIONS, r"questions\.jsonl, row 4: question_id 'q1' occurs twice"),
        (QUESTIONS, COMPLETIONS * 2, r"completions\.jsonl, row 4: question_id 'q3' occurs twice"),
        ([], [], r"questions\.jsonl: no questions"),
        (
            [Question(question_id="q3", turns=["?"])],
            COMPLETIONS[:1],
            r"questions\.jsonl, row 1, question_id 'q3': .* found 1 turns and 0 references",
        ),
        (
            [Question(question_id="q3", turns=["?", "?"], references=["yes"])],
            COMPLETIONS[:1],
            "found 2 turns and 1 references",
        ),
        (
            QUESTIONS[2:],
            [Completion(question_id="q3", turns=["a", "b"], finish_reasons=["stop"], tokens=[1])],
            r"completions\.jsonl, row 1, question_id 'q3': .* must each have one entry",
        ),
    ],
)
def test_refused(
    tmp_path: Path, questions: list[Question], completions: list[Completion], message: str
):
    with pytest.raises(UserError, match=message) as error:
        run(tmp_path, questions, completions)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "scores.csv").exists()


def test_tokens_that_nobody_counted_are_empty(tmp_path: Path):
    unknown = [c.model_copy(update={"tokens": [None]}) for c in COMPLETIONS[:1]]
    path = run(tmp_path, QUESTIONS, [*unknown, *COMPLETIONS[1:]])
    with path.open(newline="", encoding="utf-8") as file:
        assert [row["tokens"] for row in csv.DictReader(file)] == ["22", "19", ""]


def test_a_question_without_an_answer_has_no_scores(tmp_path: Path):
    none = {"turns": [""], "finish_reasons": [NO_ANSWER], "tokens": [None]}
    completions = [c.model_copy(update=none if c.question_id == "q1" else {}) for c in COMPLETIONS]
    path = run(tmp_path, QUESTIONS, completions)
    with path.open(newline="", encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    measured = [column for metric in METRICS.values() for column in metric.columns]
    assert {row[name] for name in [*measured, "tokens"]} == {""}
    first, second = read_scores(path), read_scores(run(tmp_path / "all", QUESTIONS, COMPLETIONS))
    for kept in in_all([first, second]):
        assert kept.question_ids == ['q"2\n', "q3"]
        assert kept.columns["rouge1"].tolist() == second.columns["rouge1"][1:].tolist()
    # No other cell may be empty.
    path.write_text(path.read_text(encoding="utf-8").replace(NO_ANSWER, "stop"), encoding="utf-8")
    with pytest.raises(UserError, match="expected a number"):
        read_scores(path)
    nothing = [c.model_copy(update=none) for c in COMPLETIONS]
    with pytest.raises(UserError, match="no question has an answer"):
        in_all([second, read_scores(run(tmp_path / "none", QUESTIONS, nothing))])


def test_thinking_is_not_scored_unless_it_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    plain = run(tmp_path, QUESTIONS, COMPLETIONS).read_bytes()
    thought = [
        c.model_copy(update={"turns": [f"<think>hm</think>{c.turns[0]}"]}) for c in COMPLETIONS
    ]
    capsys.readouterr()
    assert run(tmp_path, QUESTIONS, thought).read_bytes() == plain
    assert "3 of 3 answers hold thinking, which is not scored" in capsys.readouterr().out
    asked, answered = tmp_path / "questions.jsonl", tmp_path / "completions.jsonl"
    score_answers(asked, answered, tmp_path / "with.csv", with_thinking=True)
    assert (tmp_path / "with.csv").read_bytes() != plain


def test_tokens_of_thinking_stand_beside_those_of_all(tmp_path: Path):
    thought = [c.model_copy(update={"thinking_tokens": [3]}) for c in COMPLETIONS]
    with run(tmp_path, QUESTIONS, thought).open(newline="", encoding="utf-8") as file:
        assert {row["thinking_tokens"] for row in csv.DictReader(file)} == {"3"}


def test_a_script_that_rouge_score_drops_leaves_its_cells_empty(tmp_path: Path):
    texts = {"q1": "Столица - Париж", "q2": "法国的首都", "q3": "the cat", "q4": "Paris"}
    answers = texts | {"q4": "Париж"}  # shares no word with its reference: that is measured
    questions = [
        Question(question_id=key, turns=["?"], references=[text]) for key, text in texts.items()
    ]
    completions = [
        Completion(question_id=key, turns=[text], finish_reasons=["stop"], tokens=[1])
        for key, text in answers.items()
    ]
    path = run(tmp_path, questions, completions)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for name in ("rouge1", "rouge2", "rougeL"):
        assert [row[name] for row in rows] == ["", "", "100.0", "0.0"]
    assert [row["rouge_dropped"] for row in rows] == ["CYRILLIC", "CJK", "", ""]
    assert [row["lf_rougeL"] for row in rows] == ["100.0", "100.0", "100.0", "0.0"]
    scores = read_scores(path)
    assert scores.dropped == ["CYRILLIC", "CJK", "", ""]
    assert np.isnan(scores.columns["rouge1"]).tolist() == [True, True, False, False]
