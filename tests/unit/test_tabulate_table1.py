"""Table 1: counted in the question files, the paper's facts beside."""

import csv
from pathlib import Path

import pytest

from asft.errors import UserError
from asft.records import Question, write_jsonl
from asft.steps.tabulate_table1 import tabulate_table1


def questions(path: Path, turns: list[int]) -> Path:
    write_jsonl(
        path,
        [
            Question(question_id=str(i), category=f"c{i % 2}", turns=["?"] * count)
            for i, count in enumerate(turns)
        ],
    )
    return path


def test_facts_are_counted(tmp_path: Path):
    arena = questions(tmp_path / "a.jsonl", [1] * 20)
    rated = questions(tmp_path / "m.jsonl", [2] * 15 + [1])
    listed = [
        ("arena_hard", "arena_hard", "gpt-4-0314", ["gpt4_turbo"], arena),
        ("mt_bench", "mt_bench", "", ["gpt4", "gpt4_turbo"], rated),
        ("my_own", "mt_bench", "", ["local"], arena),
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
        *(("gpt-4-0314", "gpt4_turbo"), ("", "gpt4/gpt4_turbo")),
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
    assert b"\r" not in out.read_bytes()


def test_what_is_refused(tmp_path: Path):
    out, empty = tmp_path / "table1.csv", questions(tmp_path / "e.jsonl", [])
    with pytest.raises(UserError, match="no benchmarks given"):
        tabulate_table1([], "m", "", out)
    with pytest.raises(UserError, match=r"e\.jsonl: no questions"):
        tabulate_table1([("x", "mt_bench", "", ["j"], empty)], "m", "", out)
    with pytest.raises(UserError, match="x: protocol 'references' has no judge"):
        tabulate_table1([("x", "references", "", [], empty)], "m", "", out)
    assert not out.exists()
