"""Published judgments, questions and answers become scores and a table without a judge."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from published_judgments import graded, played, played_v2, write
from small_steps import done_here

from asft.config.experiment import Statistics
from asft.errors import UserError
from asft.files import read_jsonl
from asft.judging.import_judgments import import_arena_hard, import_fastchat
from asft.records import Completion, Question
from asft.tables.rebuild import rebuild_scores

QUICK = Statistics()
IDS = ["q1", "q2", "q3", "q4"]
QUESTIONS = [{"uid": i, "cluster": "code", "prompt": f"Question {i}?"} for i in IDS]


def answered(model: str, question: str, text: str, **metadata: int) -> dict[str, Any]:
    """An answer as arena-hard-auto writes it since 900183d."""
    message = {"role": "assistant", "content": {"answer": text}}
    return {"uid": question, "model": model, "messages": [message], "metadata": metadata}


@pytest.fixture
def arena(tmp_path: Path) -> Path:
    """Judgments of two models: `good` wins every game but two ties, `bad` loses all."""
    rows = [played(i, "B>A", "A>B", model="good") for i in IDS[:3]]
    rows += [played("q4", "A=B", "A=B", model="good")]
    rows += [played(i, "A>>B", "B>>A", model="bad") for i in IDS]
    import_arena_hard([write(tmp_path / "judgments.jsonl", rows)], tmp_path / "out")
    write(tmp_path / "question.jsonl", QUESTIONS)
    return tmp_path


def test_arena_hard_without_answers(arena: Path):
    rebuild_scores(arena / "out", "arena_hard", arena / "question.jsonl", None, QUICK)
    table = pd.read_csv(arena / "out/table.csv").set_index("method")
    # Six games won once (weight 1) and two drawn: 6 x 1 + 2 x 0.5 of 8.
    assert table["arena_hard_win_rate"].round(4).to_dict() == {"good": 87.5, "bad": 0.0}
    assert table["arena_hard_n_unscored"].eq(0).all()
    assert table["arena_hard_length_controlled"].isna().all()
    assert table["avg_tokens"].isna().all()
    assert "gpt-4-1106-preview" in (arena / "out/table.md").read_text()


def test_decisive_games_may_count_once(arena: Path):
    """`mixed` wins decisively once and loses three games: 3 / 6, or 1 / 4; the table says so."""
    rows = [played("q1", "B>>A", "B>A", model="mixed"), played("q2", "A>B", "B>A", model="mixed")]
    import_arena_hard([write(arena / "mixed.jsonl", rows)], arena / "mixed")
    for weight, rate in ((3, 50.0), (1, 25.0)):
        rebuild_scores(arena / "mixed", "arena_hard", None, None, QUICK, decisive_weight=weight)
        table = pd.read_csv(arena / "mixed/table.csv")
        assert table["arena_hard_win_rate"].tolist() == [rate]
        said = "a decisive game has weight 1 (upstream's is 3)"
        assert table["arena_hard_judge_note"].str.endswith(said).tolist() == [weight == 1]
        for suffix in ("md", "tex"):
            text = (arena / f"mixed/table.{suffix}").read_text()
            assert (said in text) == (weight == 1)


def test_answers_give_lengths_and_the_baseline_its_style(arena: Path):
    folder = arena / "answers"
    folder.mkdir()
    for model, tokens in [("good", 40), ("bad", 10), ("gpt-4-0314", 20)]:
        rows = [answered(model, i, "word " * tokens, token_len=tokens) for i in IDS]
        write(folder / f"{model}.jsonl", rows)
    rebuild_scores(arena / "out", "arena_hard", arena / "question.jsonl", folder, QUICK)
    table = pd.read_csv(arena / "out/table.csv").set_index("method")
    assert table["avg_tokens"].to_dict() == {"good": 40.0, "bad": 10.0}
    scores = pd.read_csv(arena / "out/scores/good.csv")
    assert scores["baseline_length"].eq(20).all()
    assert scores["length"].eq(40).all()


def test_fastchat(tmp_path: Path):
    questions = [
        {"question_id": n, "category": "math", "turns": ["one?", "two?"]} for n in (81, 82, 83)
    ]
    rows = [graded(n, turn, score) for n, score in [(81, 4), (82, 6), (83, 8)] for turn in (1, 2)]
    import_fastchat([write(tmp_path / "gpt-4_single.jsonl", rows)], tmp_path / "out")
    answers = [
        {"question_id": n, "model_id": "m", "choices": [{"index": 0, "turns": ["a", "b"]}]}
        for n in (81, 82, 83)
    ]
    path = write(tmp_path / "m.jsonl", answers)
    write(tmp_path / "question.jsonl", questions)
    rebuild_scores(tmp_path / "out", "mt_bench", tmp_path / "question.jsonl", path, QUICK)
    table = pd.read_csv(tmp_path / "out/table.csv")
    assert table["mt_bench_gpt-4"].tolist() == [6.0]
    assert table["avg_tokens"].isna().all()  # FastChat's answers do not say


def test_the_command_needs_no_questions(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """FastChat's judgments and answers alone: 81 to 83 of two turns, 84 of one, as they say."""
    rows = [graded(n, turn, score) for n, score in [(81, 4), (82, 6), (83, 8)] for turn in (1, 2)]
    judgments = write(tmp_path / "gpt-4_single.jsonl", [*rows, graded(84, 1, 10)])
    answers = [
        {"question_id": n, "model_id": "m", "choices": [{"index": 0, "turns": turns}]}
        for n, turns in [*((n, ["a", "b"]) for n in (81, 82, 83)), (84, ["a"])]
    ]
    given = ["--answers", str(write(tmp_path / "m.jsonl", answers)), "--out", str(tmp_path / "out")]
    done_here(["import", "fastchat", str(judgments), *given])
    table = pd.read_csv(tmp_path / "out/table.csv")
    assert table["mt_bench_gpt-4"].round(4).tolist() == [round((2 * (4 + 6 + 8) + 10) / 7, 4)]
    assert table["mt_bench_gpt-4_n"].tolist() == [7]
    assert not [name for name in table if "category" in name]
    assert "So are the questions" in capsys.readouterr().out
    asked = read_jsonl(tmp_path / "out/questions.jsonl", Question)
    assert [(q.question_id, len(q.turns), q.category) for q in asked] == [
        *(("81", 2, ""), ("82", 2, ""), ("83", 2, ""), ("84", 1, "")),
    ]


def test_arena_hard_v2_has_a_win_rate_for_each_category(tmp_path: Path):
    """`all` of hard_prompt: 3 + 1 of 3 + 1 + 1 + 1; `some` was never asked for creative writing."""
    creative = {"category": "creative_writing", "baseline": "gemini-2.0-flash-001"}
    rows = [
        *[played_v2("h1", "B>>A", "A>B", model="all"), played_v2("h2", "A>B", "B>A", model="all")],
        *[played_v2(i, "A=B", "A>B", model="all", **creative) for i in ("c1", "c2")],
        *[played_v2(i, "A>B", "B>A", model="some") for i in ("h1", "h2")],
    ]
    import_arena_hard([write(tmp_path / "judgments.jsonl", rows)], tmp_path / "out")
    questions = [("h1", "hard_prompt"), ("h2", "hard_prompt")]
    questions += [("c1", "creative_writing"), ("c2", "creative_writing"), ("x", "never_judged")]
    lines = [{"uid": i, "category": c, "prompt": f"{i}?"} for i, c in questions]
    path = write(tmp_path / "question.jsonl", lines)
    answers = tmp_path / "answers"
    answers.mkdir()
    everyone = ("all", "some", "o3-mini-2025-01-31", "gemini-2.0-flash-001")
    for tokens, model in enumerate(everyone, 1):
        lines = [answered(model, i, "word " * tokens, token_len=tokens) for i, _ in questions]
        write(answers / f"{model}.jsonl", lines)
    rebuild_scores(tmp_path / "out", "arena_hard", path, answers, QUICK)
    table = pd.read_csv(tmp_path / "out/table.csv").set_index("method")
    assert table["arena_hard_v2_hard_prompt_win_rate"].round(4).to_dict() == {
        "all": round(100 * 4 / 6, 4),
        "some": 0,
    }
    assert table.loc["all", "arena_hard_v2_creative_writing_win_rate"] == 75
    reason = "arena_hard_v2_creative_writing_win_rate: 0 of 4 games scored"
    assert reason in table.loc["some", "refused"]
    against = (
        "hard_prompt against o3-mini-2025-01-31, creative_writing against gemini-2.0-flash-001"
    )
    assert f"Games: {against}." in (tmp_path / "out/table.md").read_text()
    note = table.loc["all", "arena_hard_v2_hard_prompt_judge_note"]
    assert note.endswith("a question counts if both games have a verdict")
    text = (tmp_path / "out/table.md").read_text()
    assert "There is no score over several categories." in text
    lengths = [
        pd.read_csv(tmp_path / f"out/scores/{category}/all.csv")["baseline_length"].unique()
        for category in ("hard_prompt", "creative_writing")
    ]
    assert [list(found) for found in lengths] == [[3], [4]]
    only = write(tmp_path / "hard.jsonl", [{"uid": "h1", "cluster": "code", "prompt": "?"}])
    with pytest.raises(UserError, match="no questions of category 'hard_prompt'"):
        rebuild_scores(tmp_path / "out", "arena_hard", only, None, QUICK)


def test_the_official_score_of_v2_stands_in_the_table(tmp_path: Path):
    """One policy whose answers are of one style: its score is its win rate, 3 of 4 questions."""
    ids = [f"h{n}" for n in range(40)]
    labels = [("A>B", "B>A") if n % 4 == 0 else ("B>A", "A>B") for n in range(40)]
    rows = [played_v2(i, *pair) for i, pair in zip(ids, labels, strict=True)]
    rows += [played_v2("h40", "A>>B", None)]
    import_arena_hard([write(tmp_path / "in.jsonl", rows)], tmp_path / "out")
    folder = tmp_path / "answers"
    folder.mkdir()
    for model, tokens in (("m", 7), ("o3-mini-2025-01-31", 5)):
        found = [answered(model, i, "word", token_len=tokens) for i in [*ids, "h40"]]
        write(folder / f"{model}.jsonl", found)
    rebuild_scores(tmp_path / "out", "arena_hard", None, folder, QUICK)
    (row,) = pd.read_csv(tmp_path / "out/table.csv").to_dict("records")
    prefix = "arena_hard_v2_hard_prompt"
    assert row[f"{prefix}_win_rate"] == 75
    assert (row[f"{prefix}_n"], row[f"{prefix}_n_unscored"]) == (82, 2)
    low, score, high = (row[f"{prefix}_official_style{end}"] for end in ("_low", "", "_high"))
    assert low < score < high
    assert score == pytest.approx(75, abs=1.5)
    assert row[f"{prefix}_official_low"] == pytest.approx(low, abs=1.5)
    shown = f"{score:.1f} [{low:.1f}, {high:.1f}]"
    assert shown in (tmp_path / "out/table.md").read_text()
    assert shown in (tmp_path / "out/table.tex").read_text()
    scores = pd.read_csv(tmp_path / "out/scores/hard_prompt/m.csv")
    assert scores[["length", "baseline_length"]].drop_duplicates().to_numpy().tolist() == [[7, 5]]
    assert scores["both_games"].sum() == 40


def test_three_turns_that_others_rated_count_alike(tmp_path: Path):
    questions = [{"question_id": n, "category": "math", "turns": ["?"] * 3} for n in (1, 2)]
    scores = {1: (4, 6, 8), 2: (9, 9, 3)}
    rows = [graded(n, t, score) for n, found in scores.items() for t, score in enumerate(found, 1)]
    import_fastchat([write(tmp_path / "gpt-4_single.jsonl", rows)], tmp_path / "out")
    path = write(tmp_path / "question.jsonl", questions)
    rebuild_scores(tmp_path / "out", "mt_bench", path, None, QUICK)
    table = pd.read_csv(tmp_path / "out/table.csv")
    assert table["mt_bench_gpt-4"].tolist() == [6.5]
    assert table["mt_bench_gpt-4_n"].tolist() == [6]
    turns = [f"mt_bench_gpt-4_turn{n}" for n in (1, 2, 3)]
    assert table[turns].to_numpy().tolist() == [[6.5, 7.5, 5.5]]
    assert "mt_bench_gpt-4_turn4" not in table
    heads = (tmp_path / "out/table.md").read_text().split("| method")[1].splitlines()[0].split()
    assert "| turn 1 | turn 2 | turn 3 | paper" in " ".join(heads)


def test_ratings_outside_the_scale_stand_and_are_said(tmp_path: Path):
    """As upstream: (85 + 7 + 0 + 8) / 4; those of `fine` are not remarked on."""
    scores = {"m": (85, 7, 0, 8), "fine": (1, 10, 1, 10)}
    rows = [graded(n, 1, s, m) for m, found in scores.items() for n, s in enumerate(found)]
    import_fastchat([write(tmp_path / "in.jsonl", rows)], tmp_path / "out")
    rebuild_scores(tmp_path / "out", "mt_bench", None, None, QUICK)
    table = pd.read_csv(tmp_path / "out/table.csv", keep_default_na=False).set_index("method")
    assert table["mt_bench_gpt-4"].to_dict() == {"m": 25.0, "fine": 5.5}
    notes, remark = table["mt_bench_gpt-4_judge_note"], "2 of 4 ratings outside 1 to 10"
    assert notes["m"] == f"{notes['fine']}; {remark}"
    assert f"- m: mt_bench_gpt-4: {remark}" in (tmp_path / "out/table.md").read_text()
    assert (tmp_path / "out/table.tex").read_text().count(remark) == 1


def answers_of(model: str, *texts: str) -> dict[str, Any]:
    """An answer to question 1 as FastChat writes it."""
    return {"question_id": 1, "model_id": model, "choices": [{"index": 0, "turns": [*texts]}]}


def test_answers_are_found_by_the_file_s_name_or_by_the_name_in_it(tmp_path: Path):
    """`a` by its file, whatever stands in it; `b` in a renamed file; `c` nowhere."""
    rows = [graded(1, t, 5, model=model) for model in "abc" for t in (1, 2)]
    rows += [graded(2, 1, 5, model=model) for model in "abc"]
    import_fastchat([write(tmp_path / "in.jsonl", rows)], tmp_path / "out")
    folder = tmp_path / "answers"
    folder.mkdir()
    second = {"question_id": 2}
    both = [
        answers_of("checkpoints/7", "a one", "a two"),
        answers_of("checkpoints/7", "x") | second,
    ]
    write(folder / "a.jsonl", both)
    write(folder / "copy.jsonl", [row | {"model_id": "b"} for row in both])
    rebuild_scores(tmp_path / "out", "mt_bench", None, folder, QUICK)
    names = {path.name for path in (tmp_path / "out/completions").iterdir()}
    assert names == {"a.jsonl", "b.jsonl"}
    models = json.loads((tmp_path / "out/card.json").read_text())["models"]
    assert models["a"]["answers"] == {"file": "a.jsonl", "rows": 2, "repeated": 0}
    assert models["b"]["answers"]["file"] == "copy.jsonl"
    assert "Without answers: c." in (tmp_path / "out/table.md").read_text()
    write(folder / "again.jsonl", [row | {"model_id": "b"} for row in both])
    with pytest.raises(UserError, match=r"b has answers in .* too; keep one"):
        rebuild_scores(tmp_path / "out", "mt_bench", None, folder, QUICK)


def test_of_repeated_answers_the_last_valid_one_is_taken_and_counted(tmp_path: Path):
    import_fastchat(
        [write(tmp_path / "in.jsonl", [graded(1, t, 5) for t in (1, 2)])], tmp_path / "out"
    )
    texts = [("old", "old"), ("new", "new"), ("$ERROR$", "new"), ("", "")]
    path = write(tmp_path / "m.jsonl", [answers_of("m", *pair) for pair in texts])
    rebuild_scores(tmp_path / "out", "mt_bench", None, path, QUICK)
    (kept,) = read_jsonl(tmp_path / "out/completions/m.jsonl", Completion)
    assert kept.turns == ["new", "new"]
    assert "the last valid one is taken: m 3." in (tmp_path / "out/table.md").read_text()


def test_a_question_that_another_model_was_judged_on_is_missed(tmp_path: Path):
    rows = [played(i, "B>A", "A>B", model="all") for i in IDS]
    rows += [played(i, "B>A", "A>B", model="some") for i in IDS[:3]]
    import_arena_hard([write(tmp_path / "judgments.jsonl", rows)], tmp_path / "out")
    for minimum, shown in (
        (0.95, {"all": True, "some": False}),
        (0.7, dict.fromkeys(("all", "some"), True)),
    ):
        rebuild_scores(tmp_path / "out", "arena_hard", None, None, QUICK, minimum)
        table = pd.read_csv(tmp_path / "out/table.csv").set_index("method")
        assert table["arena_hard_win_rate"].notna().to_dict() == shown
        assert table["arena_hard_n_unscored"].to_dict() == {"all": 0, "some": 2}


def test_refusals(arena: Path):
    out = arena / "out"
    folder = arena / "none"
    folder.mkdir()
    with pytest.raises(UserError, match=r"no \*\.jsonl"):
        rebuild_scores(out, "arena_hard", arena / "question.jsonl", folder, QUICK)
    mixed = write(folder / "mixed.jsonl", [answered("a", "q1", "x"), answered("b", "q1", "x")])
    with pytest.raises(UserError, match="one model's answers"):
        rebuild_scores(out, "arena_hard", arena / "question.jsonl", mixed, QUICK)
    short = write(arena / "short.jsonl", QUESTIONS[:1])
    with pytest.raises(UserError, match="no such question"):
        rebuild_scores(out, "arena_hard", short, None, QUICK)
    broken = write(arena / "broken.jsonl", [{"uid": "q1"}])
    with pytest.raises(UserError, match="row 1: no question of arena_hard"):
        rebuild_scores(out, "arena_hard", broken, None, QUICK)
    assert json.loads((out / "card.json").read_text())["baselines"] == {"": "gpt-4-0314"}
