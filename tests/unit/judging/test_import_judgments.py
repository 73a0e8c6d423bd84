"""Published judgments become verdicts: what counts, what is resolved, what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from published_judgments import Rows, graded, played, played_v2, write

from asft.errors import UserError
from asft.files import read_jsonl
from asft.judging.import_judgments import import_arena_hard, import_fastchat
from asft.metrics.arena_hard import from_verdicts as games_of
from asft.metrics.arena_hard import outcomes_per_question, win_rate
from asft.metrics.mt_bench import from_verdicts as ratings_of
from asft.metrics.mt_bench import mean_rating
from asft.metrics.mt_bench import ratings_per_question as rated
from asft.records import Question, Verdict


def statuses(path: Path) -> dict[tuple[str, int, int], str]:
    return {(v.question_id, v.turn, v.game): v.status for v in read_jsonl(path, Verdict)}


def card(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "card.json").read_text())


def test_fastchat_rows_become_ratings(tmp_path: Path):
    rows = [
        graded(81, 1, 8),
        graded(81, 2, 6.5),
        graded(82, 1, -1, judgment="$ERROR$"),
        graded(82, 2, -1, judgment="I would rather not."),
        graded(83, 1, -1, judgment=""),
        graded(83, 2, None, judgment="?"),
    ]
    import_fastchat([write(tmp_path / "gpt-4_single.jsonl", rows)], tmp_path / "out")
    verdicts = read_jsonl(tmp_path / "out" / "m.jsonl", Verdict)
    assert [(v.question_id, v.turn, v.game, v.rating) for v in verdicts[:2]] == [
        ("81", 1, 0, 8.0),
        ("81", 2, 0, 6.5),
    ]
    assert [v.status for v in verdicts[2:]] == [
        *("api_error", "no_verdict", "api_error", "no_verdict"),
    ]
    assert all(v.rating is None for v in verdicts[2:])
    assert {v.model for v in verdicts} == {"gpt-4"}
    assert verdicts[3].judgments == ["I would rather not."]
    about = card(tmp_path / "out")
    assert (about["format"], about["judge"], about["rows"]) == ("fastchat", "gpt-4", 6)
    assert about["models"]["m"]["statuses"] == {"api_error": 2, "no_verdict": 2, "ok": 2}
    assert about["sources"][0]["file"] == "gpt-4_single.jsonl"


def test_duplicates_are_resolved_to_the_last_valid_row_and_counted(tmp_path: Path):
    """Averaging all rows gives (2 + 8 + 6 + 5) / 4 = 5.25; the right mean is (8 + 5) / 2."""
    rows = [
        graded(81, 1, -1, judgment="$ERROR$"),
        graded(81, 1, 2),
        graded(81, 2, 6),
        graded(81, 1, 8),
        graded(81, 1, -1, judgment="$ERROR$"),
        graded(81, 2, 5),
    ]
    import_fastchat([write(tmp_path / "a.jsonl", rows)], tmp_path)
    verdicts = read_jsonl(tmp_path / "m.jsonl", Verdict)
    question = Question(question_id="81", turns=["a", "b"])
    assert float(mean_rating(rated(ratings_of(verdicts, [question])).sum(axis=0))) == 6.5
    found = card(tmp_path)["models"]["m"]
    assert (found["rows"], found["verdicts"], found["duplicates"]) == (6, 2, 4)


def test_several_files_and_models(tmp_path: Path):
    first = write(tmp_path / "1.jsonl", [graded(81, 1, 3), graded(81, 1, 9, model="org/other")])
    second = write(tmp_path / "2.jsonl", [graded(81, 1, 4)])
    import_fastchat([first, second], tmp_path / "out")
    names = ["card.json", "m.jsonl", "org_other.jsonl"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    assert read_jsonl(tmp_path / "out" / "m.jsonl", Verdict)[0].rating == 4
    assert card(tmp_path / "out")["models"]["org/other"]["file"] == "org_other.jsonl"


def test_arena_hard_games(tmp_path: Path):
    """q1: the policy is B in game 1, A in game 2: two wins, one of weight 3; q2: a tie, nothing."""
    rows = [played("q1", "B>A", "A>>B"), played("q2", "A=B", None), played("q3", "A<B", "C")]
    rows[1]["games"][1]["judgment"] = "\n$ERROR$"
    import_arena_hard([write(tmp_path / "m.jsonl", rows)], tmp_path / "out")
    path = tmp_path / "out" / "m.jsonl"
    assert statuses(path) == {
        **{("q1", 1, 1): "ok", ("q1", 1, 2): "ok", ("q2", 1, 1): "ok"},
        **{("q2", 1, 2): "api_error", ("q3", 1, 1): "no_verdict", ("q3", 1, 2): "no_verdict"},
    }
    questions = [Question(question_id=key, turns=["?"]) for key in ("q1", "q2", "q3")]
    games = games_of(read_jsonl(path, Verdict), questions)
    assert float(win_rate(outcomes_per_question(games).sum(axis=0))) == pytest.approx(100 * 4.5 / 5)
    about = card(tmp_path / "out")
    assert (about["baselines"], about["judge"]) == ({"": "gpt-4-0314"}, "gpt-4-1106-preview")
    assert about["models"]["m"]["statuses"] == {"api_error": 1, "no_verdict": 2, "ok": 3}


def test_arena_hard_new_schema(tmp_path: Path):
    """Reversed spellings count there; a game that the API never answered is null."""
    rows = [played_v2("u1", "A<<B", None, category="arena-hard-v0.1", baseline="o3")]
    source = write(tmp_path / "in.jsonl", rows)
    import_arena_hard([source], tmp_path / "out")
    first, second = read_jsonl(tmp_path / "out" / "m.jsonl", Verdict)
    assert (first.question_id, first.label, first.judgments) == ("u1", "B>>A", ["[[A<<B]]"])
    assert (second.game, second.status) == (2, "api_error")
    assert card(tmp_path / "out")["baselines"] == {"": "o3"}
    refused = r"row 1: 'm' against 'o3'; expected .* 'gpt-4-0314' \(--baseline\)"
    with pytest.raises(UserError, match=refused):
        import_arena_hard([source], tmp_path / "other", baseline="gpt-4-0314")
    assert not (tmp_path / "other").exists()


def test_arena_hard_v2(tmp_path: Path):
    """Each category has its baseline; labels count in small letters too."""
    creative = {"category": "creative_writing", "baseline": "gemini-2.0-flash-001"}
    rows = [
        played_v2("h1", "a>b", "B>A"),
        played_v2("h2", "A>>B", None),
        played_v2("h3", None, "[x]"),
        played_v2("c1", "B>>A", "A=B", **creative),
    ]
    import_arena_hard([write(tmp_path / "in.jsonl", rows)], tmp_path / "out")
    about = card(tmp_path / "out")
    assert about["baselines"] == {
        "hard_prompt": "o3-mini-2025-01-31",
        "creative_writing": "gemini-2.0-flash-001",
    }
    assert about["models"]["m"]["statuses"] == {"api_error": 2, "no_verdict": 1, "ok": 5}
    hard = read_jsonl(tmp_path / "out/hard_prompt/m.jsonl", Verdict)
    assert [(v.question_id, v.label) for v in hard] == [
        *[("h1", "A>B"), ("h1", "B>A"), ("h2", "A>>B")],
        *[(name, None) for name in ("h2", "h3", "h3")],
    ]
    assert [v.status for v in hard[3:]] == ["api_error", "api_error", "no_verdict"]
    (first, second) = read_jsonl(tmp_path / "out/creative_writing/m.jsonl", Verdict)
    assert (first.label, second.label) == ("B>>A", "A=B")
    with pytest.raises(UserError, match=r"row 4: 'm' against 'gemini-.*\(--baseline\)"):
        import_arena_hard([tmp_path / "in.jsonl"], tmp_path / "x", "o3-mini-2025-01-31")


def test_a_baseline_against_itself_is_left_out_and_counted(tmp_path: Path):
    """o3-mini is the baseline of hard prompts and a contestant in creative writing."""
    o3 = "o3-mini-2025-01-31"
    rows = [played_v2("h1", "A>B", "B>A"), played_v2("h1", "A=B", "A=B", model=o3)]
    rows += [played_v2("c1", "A>B", "B>A", model=o3, category="creative_writing", baseline="g")]
    import_arena_hard([write(tmp_path / "in.jsonl", rows)], tmp_path / "out")
    about = card(tmp_path / "out")
    assert (about["rows"], about["baseline_itself"]) == (2, 1)
    assert [
        v.question_id for v in read_jsonl(tmp_path / f"out/creative_writing/{o3}.jsonl", Verdict)
    ]
    assert not read_jsonl(tmp_path / f"out/hard_prompt/{o3}.jsonl", Verdict)
    old = [played("q1", "A>B", "B>A"), played("q1", "A=B", "A=B", model="truth")]
    import_arena_hard([write(tmp_path / "old.jsonl", old)], tmp_path / "old", baseline="truth")
    assert [*card(tmp_path / "old")["models"]] == ["m"]


def test_ratings_outside_the_scale_are_counted(tmp_path: Path):
    rows = [graded(n, 1, score) for n, score in enumerate((85, 7, 0, 8, -1, 10, 1))]
    import_fastchat([write(tmp_path / "in.jsonl", rows)], tmp_path)
    found = card(tmp_path)["models"]["m"]
    assert (found["out_of_range"], found["statuses"]) == (2, {"no_verdict": 1, "ok": 6})


def test_a_category_with_two_baselines_is_refused(tmp_path: Path):
    rows = [played_v2("h1", "A>B", "A>B"), played_v2("h2", "A>B", "A>B", baseline="o1")]
    with pytest.raises(UserError, match=r"row 2: .*'o1'; .*as in the rows before of hard_prompt"):
        import_arena_hard([write(tmp_path / "in.jsonl", rows)], tmp_path / "out")


def test_arena_hard_duplicates_are_resolved_game_by_game(tmp_path: Path):
    rows = [played("q1", "A>B", None), played("q1", "B>A", "A=B"), played("q1", None, "A>B")]
    import_arena_hard([write(tmp_path / "in.jsonl", rows)], tmp_path)
    assert [v.label for v in read_jsonl(tmp_path / "m.jsonl", Verdict)] == ["B>A", "A>B"]
    found = card(tmp_path)["models"]["m"]
    assert (found["rows"], found["verdicts"], found["duplicates"]) == (3, 2, 4)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("../../etc/passwd", "etc_passwd.jsonl"),
        ("/abs", "abs.jsonl"),
        ("a\\b:c\0d\n", "a_b_c_d.jsonl"),
        (".hidden", "hidden.jsonl"),
        ("x" * 400, "x" * 150 + ".jsonl"),
    ],
)
def test_model_names_cannot_leave_the_folder(tmp_path: Path, model: str, name: str):
    out = tmp_path / "a" / "b" / "out"
    import_fastchat([write(tmp_path / "in.jsonl", [graded(1, 1, 5, model=model)])], out)
    assert sorted(path.name for path in out.iterdir()) == sorted(["card.json", name])
    made = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent != out]
    assert made == [tmp_path / "in.jsonl"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "in.jsonl: no judgments"),
        ([{"model_1": "a", "model_2": "b", "g1_winner": "tie"}], "row 1: a pairwise comparison"),
        ([{"model": "m", "judge": "j"}], "row 1: no key 'question_id'"),
        ([{"question_id": 1, "judge": "j"}], "row 1: no key 'model'"),
        ([graded(1, 1, 5), {"question_id": 1, "model": "m"}], "row 2: no key 'judge'"),
        ([{"question_id": 1, "model": "m", "judge": "j", "turn": 1}], "row 1: no key 'score'"),
        ([graded(1, 0, 5)], "row 1, key 'turn': expected a number from 1, found 0"),
        (
            [graded(1, 1, 5), graded(1, 1, 5, judge=["gpt-4o", "x"])],
            r"several judges \(gpt-4, gpt-4o",
        ),
        ([graded(1, 1, 5, model="..")], "model '..': no letter or digit"),
        ([graded(1, 1, 5, model=m) for m in ("a/b", "A:b")], "'A:b' and 'a/b' would share"),
    ],
)
def test_what_fastchat_import_refuses(tmp_path: Path, rows: Rows, message: str):
    with pytest.raises(UserError, match=message):
        import_fastchat([write(tmp_path / "in.jsonl", rows)], tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (played("q", "A>B"), "row 1, key 'games': expected a list of two"),
        (played("q", "A>B", "A>B", games=None), "row 1, key 'games'"),
        (played("q", "A>B", "A>B", games=["x", {}]), "row 1, key 'games.0': expected an object"),
        (played_v2("q", "A>B", "A>B", category="../x"), "key 'category': '../x' is no word"),
        (
            played("q", "A>B", "A>B", model="gpt-4-0314"),
            "row 1: this and all others are of a baseline against itself",
        ),
    ],
)
def test_what_arena_hard_import_refuses(tmp_path: Path, row: dict[str, Any], message: str):
    with pytest.raises(UserError, match=message):
        import_arena_hard([write(tmp_path / "in.jsonl", [row])], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_raw_text_survives(tmp_path: Path):
    text = "<b>&amp;</b> \x07 \u2028 [[3]] 汉字"
    import_fastchat([write(tmp_path / "i.jsonl", [graded(1, 1, 3, judgment=text)])], tmp_path)
    assert read_jsonl(tmp_path / "m.jsonl", Verdict)[0].judgments == [text]
    lone = [graded(1, 1, 3, judgment="half \ud83d")]
    import_fastchat([write(tmp_path / "i.jsonl", lone)], tmp_path)
    assert read_jsonl(tmp_path / "m.jsonl", Verdict)[0].judgments == ["half ?"]
