"""Table 1: counted in the question files, the paper's facts beside."""

import csv
from pathlib import Path

import pytest

from asft.data.answer_formats import BaselineAnswer
from asft.errors import UserError
from asft.files import write_jsonl
from asft.records import Question
from asft.tables.table1 import Judged, tabulate_table1


def questions(path: Path, turns: list[int]) -> Path:
    write_jsonl(
        path,
        [
            Question(question_id=str(i), category=f"c{i % 2}", turns=["?"] * count)
            for i, count in enumerate(turns)
        ],
    )
    return path


def baseline(path: Path, *models: str) -> Path:
    rows = enumerate(models)
    write_jsonl(path, [BaselineAnswer(question_id=str(i), text="!", model=m) for i, m in rows])
    return path


def test_facts_are_counted(tmp_path: Path):
    arena = questions(tmp_path / "a.jsonl", [1] * 20)
    rated = questions(tmp_path / "m.jsonl", [2] * 15 + [1])
    listed = [
        Judged("arena_hard", "arena_hard", "gpt-4-0314", ["gpt4_turbo"], arena),
        Judged("mt_bench", "mt_bench", "", ["gpt-4", "gpt4_turbo"], rated),
        Judged("my_own", "mt_bench", "", ["local"], arena),
    ]
    out = tmp_path / "table1.csv"
    tabulate_table1(listed, "tiny_model", "not\ncomparable", out)
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["benchmark"], r["examples"], r["turns"], r["categories"]) for r in rows] == [
        *(
            ("arena_hard", "20", "1", "2"),
            ("mt_bench", "16", "1-2", "2"),
            ("my_own", "20", "1", "2"),
        ),
    ]
    assert [(r["baseline"], r["judge"]) for r in rows[:2]] == [
        *(("gpt-4-0314", "gpt4_turbo"), ("", "gpt-4/gpt4_turbo")),
    ]
    assert [(r["scoring_type"], r["metric"]) for r in rows[:2]] == [
        ("pairwise comparison", "win rate"),
        ("single-answer grading", "rating of 1-10"),
    ]
    assert [r["paper_examples"] for r in rows] == ["500", "80", ""]
    text = out.with_suffix(".md").read_text()
    assert text.startswith("# Table 1: tiny_model. not comparable\n")
    line = next(line for line in text.splitlines() if line.startswith("| arena_hard"))
    assert [cell.strip() for cell in line.strip("|").split("|")][-3:] == [
        *("500", "GPT-4-0314", "GPT-4 Turbo"),
    ]
    tex = out.with_suffix(".tex").read_text()
    assert r"arena\_hard & 20 & gpt-4-0314 & gpt4\_turbo & pairwise comparison & win rate \\" in tex
    assert r"(paper) & 500 & GPT-4-0314 & GPT-4 Turbo &  &  \\" in tex
    assert r"(paper) & 80 &  & GPT-4/GPT-4 Turbo &  &  \\" in tex
    note = "gpt4_turbo: not the paper's judge: not comparable to the paper's values"
    assert [row["judge_note"] for row in rows] == [note, note, note.replace("gpt4_turbo", "local")]
    assert f"- mt_bench: {note}." in text
    assert r"mt\_bench: gpt4\_turbo: not the paper's judge: not comparable" in tex
    assert b"\r" not in out.read_bytes()


def test_the_papers_judges_are_named_so(tmp_path: Path):
    listed = [
        Judged("mt_bench", "mt_bench", "", ["gpt-4-0613", "gpt-4-1106-preview"], path)
        for path in [questions(tmp_path / "q.jsonl", [2])]
    ]
    tabulate_table1(listed, "m", "", tmp_path / "t.csv")
    assert "- mt_bench: as far as is known, the paper's judge." in (tmp_path / "t.md").read_text()


def test_the_baselines_name_is_read_from_its_answers(tmp_path: Path):
    asked, out = questions(tmp_path / "q.jsonl", [1]), tmp_path / "t.csv"

    def table(name: str, path: Path) -> str:
        tabulate_table1([Judged("a", "arena_hard", name, ["j"], asked, path)], "m", "", out)
        return out.read_text().splitlines()[1]

    named = baseline(tmp_path / "named.jsonl", "gpt-4-0314", "gpt-4-0314")
    assert ",gpt-4-0314," in table("", named)
    assert ",gpt-4-0314," in table("gpt-4-0314", named)
    with pytest.raises(UserError, match=r"answers of gpt-4-0314, but .* is 'o3'"):
        table("o3", named)
    with pytest.raises(UserError, match=r"answers of a, b, but"):
        table("a", baseline(tmp_path / "mixed.jsonl", "a", "b"))
    assert ",o3," in table("o3", baseline(tmp_path / "bare.jsonl", ""))


def test_what_is_refused(tmp_path: Path):
    out, empty = tmp_path / "table1.csv", questions(tmp_path / "e.jsonl", [])
    with pytest.raises(UserError, match="no benchmarks given"):
        tabulate_table1([], "m", "", out)
    with pytest.raises(UserError, match=r"e\.jsonl: no questions"):
        tabulate_table1([Judged("x", "mt_bench", "", ["j"], empty)], "m", "", out)
    with pytest.raises(UserError, match="x: protocol 'references' has no judge"):
        tabulate_table1([Judged("x", "references", "", [], empty)], "m", "", out)
    assert not out.exists()
