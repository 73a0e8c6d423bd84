"""Verdict score files: what they hold, that they read back, and what is refused."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asft.data.answer_formats import BaselineAnswer
from asft.errors import UserError
from asft.files import write_jsonl
from asft.metrics import arena_hard, mt_bench
from asft.metrics.arena_hard import Games
from asft.metrics.mt_bench import Ratings
from asft.metrics.score_verdicts import aggregate_verdicts
from asft.metrics.verdict_scores import pool, read_verdict_scores
from asft.records import NO_ANSWER, Completion, Question, Verdict

RATED = [
    Question(question_id="81", category="writing", turns=["a", "b"]),
    Question(question_id='8"2,\n', category="math", turns=["a", "b"]),
]
PLAYED = [Question(question_id=key, category="c", turns=["?"]) for key in ("q1", "q2")]
RATINGS = [
    Verdict(question_id="81", turn=1, status="ok", rating=7, model="gpt-4-0613"),
    Verdict(question_id="81", turn=1, repeat=1, status="ok", rating=8, model="gpt-4-0613"),
    Verdict(question_id="81", turn=2, status="truncated"),
    Verdict(question_id='8"2,\n', turn=2, status="ok", rating=1 / 3),
]
GAMES = [
    Verdict(question_id="q1", game=1, status="ok", label="B>>A", model="j"),
    Verdict(question_id="q1", game=2, status="ok", label="B>A", model="j"),
    Verdict(question_id="q2", game=2, status="conflicting"),
]


def answers(questions: list[Question], text: str = "# a\n- b") -> list[Completion]:
    return [
        Completion(
            question_id=q.question_id,
            turns=[text] * len(q.turns),
            finish_reasons=["length"] * len(q.turns),
            tokens=[10] * len(q.turns),
        )
        for q in questions
    ]


def run(folder: Path, questions: Any, verdicts: Any, protocol: Any, **others: Any) -> Path:
    files = {"questions": questions, "verdicts": verdicts} | others
    paths: dict[str, Any] = {"completions": None}
    for name, records in files.items():
        paths[name] = folder / f"{name}.jsonl"
        write_jsonl(paths[name], records)
    aggregate_verdicts(protocol=protocol, out=folder / "scores.csv", **paths)
    return folder / "scores.csv"


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_ratings(tmp_path: Path):
    path = run(tmp_path, RATED, RATINGS[::-1], "mt_bench", completions=answers(RATED))
    first, second = read(path)
    assert first == {
        "question_id": "81",
        "category": "writing",
        "judge_model": "gpt-4-0613",
        "turn1": "7.5",
        "turn1_status": "ok;ok",
        "turn2": "",
        "turn2_status": "truncated;missing",
        "tokens": "20",
        "truncated": "2",
    }
    assert (second["question_id"], second["turn1_status"]) == ('8"2,\n', "missing;missing")
    assert float(second["turn2"]) == 1 / 3  # no digit lost


def test_ratings_read_back(tmp_path: Path):
    judged = read_verdict_scores(run(tmp_path, RATED, RATINGS, "mt_bench"))
    direct = mt_bench.from_verdicts(RATINGS, RATED)
    assert isinstance(judged.content, Ratings)
    assert judged.content.categories == direct.categories
    np.testing.assert_array_equal(judged.content.values, direct.values)
    np.testing.assert_array_equal(judged.content.asked, direct.asked)
    assert judged.statuses == {"ok": 3, "truncated": 1, "missing": 4}
    assert judged.judge_models == {"gpt-4-0613"}
    assert judged.avg_tokens is None


def test_games(tmp_path: Path):
    baseline = [BaselineAnswer(question_id=q.question_id, text="**x**") for q in PLAYED]
    completions = answers(PLAYED)
    path = run(tmp_path, PLAYED, GAMES, "arena_hard", completions=completions, baseline=baseline)
    first, second = read(path)
    assert {key: first[key] for key in first if key[0] == "g"} == {
        **{"g1_label": "B>>A", "g1_status": "ok", "g1_w": "3", "g1_y": "1.0"},
        **{"g2_label": "B>A", "g2_status": "ok", "g2_w": "1", "g2_y": "0.0"},
    }
    assert [second[key] for key in ("g1_status", "g2_status", "g2_w", "g2_y")] == [
        *("missing", "conflicting", "0", ""),
    ]
    assert [first[key] for key in ("length", "headers", "lists", "bolds", "tokens")] == [
        *("4", "1", "1", "0", "10"),
    ]
    assert [first[f"baseline_{key}"] for key in ("length", "bolds")] == ["5", "1"]
    judged = read_verdict_scores(path)
    assert isinstance(judged.content, Games)
    assert judged.content[:2] == arena_hard.from_verdicts(GAMES, PLAYED)[:2]
    assert judged.content.style[0].tolist() == [-1 / 10, 1 / 2, 1 / 2, -1 / 2]
    assert judged.statuses == {"ok": 2, "conflicting": 1, "missing": 1}
    assert judged.avg_tokens == 10


def test_decisive_games_may_count_once(tmp_path: Path):
    """A win of weight w in game 1, a loss in game 2."""
    write_jsonl(tmp_path / "q.jsonl", PLAYED)
    write_jsonl(tmp_path / "v.jsonl", GAMES)
    files = tmp_path / "v.jsonl", tmp_path / "q.jsonl", None
    judged = []
    for weight in (3, 1):
        out = tmp_path / f"{weight}.csv"
        aggregate_verdicts(*files, "arena_hard", out, decisive_weight=weight)
        judged.append(read_verdict_scores(out))
        (expected,) = {float(row["g1_w"]) for row in read(out) if row["g1_label"] == "B>>A"}
        assert expected == weight
    assert [found.sums.sum(axis=1).tolist() for found in judged] == [[[3, 4]], [[1, 2]]]
    assert "decisive_weight" not in read(tmp_path / "3.csv")[0]
    with pytest.raises(UserError, match=r"1\.csv: counted by other rules than .*3\.csv"):
        pool(judged)
    with pytest.raises(UserError, match="the protocol mt_bench weighs no games"):
        aggregate_verdicts(*files, "mt_bench", tmp_path / "x.csv", decisive_weight=1)


def test_without_answers_there_is_no_style(tmp_path: Path):
    judged = read_verdict_scores(run(tmp_path, PLAYED, GAMES, "arena_hard"))
    assert judged.content.style is None
    assert judged.avg_tokens is None


def test_an_empty_answer_has_a_style(tmp_path: Path):
    baseline = [BaselineAnswer(question_id=q.question_id, text="x") for q in PLAYED]
    given = answers(PLAYED, text="")
    path = run(tmp_path, PLAYED, GAMES, "arena_hard", completions=given, baseline=baseline)
    assert read_verdict_scores(path).content.style[0].tolist() == [-0.5, 0, 0, 0]


def test_repeats_of_games_are_rows(tmp_path: Path):
    more = [*GAMES, GAMES[0].model_copy(update={"repeat": 1, "label": "A=B"})]
    path = run(tmp_path, PLAYED, more, "arena_hard")
    assert [(row["question_id"], row["repeat"]) for row in read(path)] == [
        *(("q1", "0"), ("q1", "1"), ("q2", "0"), ("q2", "1")),
    ]
    judged = read_verdict_scores(path)
    assert judged.question_ids == ["q1", "q2"]
    assert judged.content[:2] == arena_hard.from_verdicts(more, PLAYED)[:2]


def test_seeds_are_pooled(tmp_path: Path):
    one = read_verdict_scores(run(tmp_path, PLAYED, GAMES, "arena_hard"))
    other = read_verdict_scores(
        run(tmp_path, PLAYED, GAMES[:1], "arena_hard", completions=answers(PLAYED))
    )
    both = pool([one, other])
    assert (both.content.n_scored, both.content.n_asked) == (3, 8)
    assert both.statuses["missing"] == 4
    assert both.avg_tokens == 10
    rated = read_verdict_scores(run(tmp_path, RATED, RATINGS, "mt_bench"))
    with pytest.raises(UserError, match="other questions, or another order"):
        pool([one, rated])


def test_same_bytes_twice(tmp_path: Path):
    first = run(tmp_path, RATED, RATINGS, "mt_bench").read_bytes()
    assert run(tmp_path, RATED, RATINGS[::-1], "mt_bench").read_bytes() == first
    assert b"\r" not in first
    assert first.endswith(b"\n")


@pytest.mark.parametrize(
    ("questions", "verdicts", "protocol", "message"),
    [
        (RATED, RATINGS + RATINGS[:1], "mt_bench", "row 5, .*occurs twice"),
        (RATED[1:], RATINGS, "mt_bench", "row 1, question_id '81': no such question"),
        (RATED * 2, RATINGS, "mt_bench", "questions.jsonl, row 3: question_id '81' occurs twice"),
        (RATED, GAMES, "mt_bench", "row 1, question_id 'q1': no such question"),
        (PLAYED, GAMES, "mt_bench", "a game is no verdict of protocol 'mt_bench'"),
        (RATED, RATINGS, "arena_hard", "a rating is no verdict of protocol 'arena_hard'"),
        (RATED, RATINGS, "mtbench", "unknown protocol 'mtbench'; did you mean 'mt_bench'"),
        ([], [], "mt_bench", "no questions"),
        (
            RATED,
            [Verdict(question_id="81", status="ok")],
            "mt_bench",
            "status is ok, but there is no rating or label",
        ),
        (
            RATED,
            [Verdict(question_id="81", turn=3, status="ok", rating=1)],
            "mt_bench",
            "turn 3 was not asked",
        ),
    ],
)
def test_unusable_verdicts_are_refused(
    tmp_path: Path, questions: Any, verdicts: Any, protocol: str, message: str
):
    with pytest.raises(UserError, match=message):
        run(tmp_path, questions, verdicts, protocol)
    assert not (tmp_path / "scores.csv").exists()


def test_missing_answers_are_refused(tmp_path: Path):
    with pytest.raises(UserError, match=r"completions\.jsonl: no answer to 1 of 2 questions"):
        run(tmp_path, PLAYED, GAMES, "arena_hard", completions=answers(PLAYED[:1]))
    with pytest.raises(UserError, match=r"baseline\.jsonl: no answer to 2 of 2 questions"):
        run(tmp_path, PLAYED, GAMES, "arena_hard", baseline=[])
    short = [answers(RATED)[0], *answers([RATED[1].model_copy(update={"turns": ["a"]})])]
    with pytest.raises(UserError, match="1 turns, but 2 were asked"):
        run(tmp_path, RATED, RATINGS, "mt_bench", completions=short)


def test_unusable_score_files_are_refused(tmp_path: Path):
    path = run(tmp_path, RATED, RATINGS, "mt_bench")
    text = path.read_text()
    for changed, message in [
        (text.replace("7.5", "x"), "column 'turn1': expected a number, found 'x'"),
        (text.replace("7.5", "nan"), "expected a number, found 'nan'"),
        (text.replace("turn1_status", "other"), "no column 'turn1_status'"),
        (text.replace("turn", "part"), "neither ratings nor games"),
        (text.splitlines()[0], "no scores"),
    ]:
        path.write_text(changed)
        with pytest.raises(UserError, match=message):
            read_verdict_scores(path)
    path.unlink()
    with pytest.raises(UserError, match="no such file"):
        read_verdict_scores(path)
    path = run(tmp_path, PLAYED, GAMES, "arena_hard")
    path.write_text(path.read_text().replace("B>>A", "B>>>A"))
    with pytest.raises(UserError, match="question 'q1': no label 'B>>>A'"):
        read_verdict_scores(path)


def test_tokens_of_which_some_are_not_known_are_empty(tmp_path: Path):
    first, second = answers(RATED)
    first = first.model_copy(update={"tokens": [10, None]})
    path = run(tmp_path, RATED, RATINGS, "mt_bench", completions=[first, second])
    assert [row["tokens"] for row in read(path)] == ["", "20"]
    assert read_verdict_scores(path).avg_tokens is None


def test_style_is_that_of_the_answer_without_its_thinking(tmp_path: Path):
    thought = answers(PLAYED, "<think># a\n# b</think># c")
    thought = [c.model_copy(update={"thinking_tokens": [4]}) for c in thought]
    rows = read(run(tmp_path, PLAYED, GAMES, "arena_hard", completions=thought))
    assert {(row["headers"], row["tokens"], row["thinking_tokens"]) for row in rows} == {
        ("1", "10", "4")
    }
    files = [tmp_path / f"{name}.jsonl" for name in ("verdicts", "questions", "completions")]
    aggregate_verdicts(*files, "arena_hard", tmp_path / "with.csv", with_thinking=True)
    longer = read(tmp_path / "with.csv")
    assert int(longer[0]["length"]) > int(rows[0]["length"])


def test_a_policy_without_an_answer_has_no_style_there(tmp_path: Path):
    baseline = [BaselineAnswer(question_id=q.question_id, text="# b") for q in PLAYED]
    given = answers(PLAYED)
    none = {"turns": [""], "finish_reasons": [NO_ANSWER], "tokens": [None]}
    given[1] = given[1].model_copy(update=none)
    path = run(tmp_path, PLAYED, GAMES, "arena_hard", completions=given, baseline=baseline)
    there, missing = read(path)
    assert {missing[name] for name in ("length", "headers", "tokens")} == {""}
    assert there["headers"] == "1"
    # The others' is still known.
    assert read_verdict_scores(path).content.style is not None


def test_style_is_that_of_the_baselines_answer_without_its_thinking(tmp_path: Path):
    run(tmp_path, PLAYED, GAMES, "arena_hard", completions=answers(PLAYED))
    files = [tmp_path / f"{name}.jsonl" for name in ("verdicts", "questions", "completions")]
    baseline = [
        BaselineAnswer(question_id=q.question_id, text="<think>\n# a\n</think>\n# b")
        for q in PLAYED
    ]
    write_jsonl(tmp_path / "baseline.jsonl", baseline)
    headers = []
    for with_thinking in (False, True):
        how = ("arena_hard", tmp_path / "s.csv", tmp_path / "baseline.jsonl", with_thinking)
        aggregate_verdicts(*files, *how)
        headers.append({row["baseline_headers"] for row in read(tmp_path / "s.csv")})
    assert headers == [{"1"}, {"2"}]
