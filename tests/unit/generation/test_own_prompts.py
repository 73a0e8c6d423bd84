"""Prompts of one's own: lines of text, rows of JSON; what is none is named by file and row."""

import io
import sys
from pathlib import Path

import pytest

from asft.errors import UserError
from asft.generation.own_prompts import read_prompts
from asft.records import Question


def test_a_prompt_a_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_bytes("\ufeffWho?\r\n\n  Why\u2028then? \n".encode())
    assert read_prompts(str(file)) == [
        Question(question_id="1", turns=["Who?"]),
        Question(question_id="3", turns=["Why\u2028then?"]),  # of the third line
    ]


ROWS = (
    '{"prompt": "Who?"}\n{"id": "b", "prompt": [{"role": "user", "content": "Why?"}]}\n'
    '{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]}'
)
READ = [
    Question(question_id="1", turns=["Who?"]),
    Question(question_id="b", turns=["Why?"]),
    Question(question_id="3", turns=["Hi"], context=[{"role": "system", "content": "Be brief."}]),
]


def test_rows_of_prompts_and_conversations(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text(ROWS)
    assert read_prompts(str(tmp_path / "mine.jsonl")) == READ


def piped(monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))


def test_a_pipe_brings_either(monkeypatch: pytest.MonkeyPatch) -> None:
    piped(monkeypatch, ROWS.encode())
    assert read_prompts("-") == READ
    piped(monkeypatch, b"Who?\n")
    assert read_prompts("-") == READ[:1]


def turn(role: str, content: str = '"x"', more: str = "") -> str:
    return f'{{"role": "{role}", "content": {content}{more}}}'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no prompts"),
        ('{"prompt": "x"}\n{"prompt": 7}', "row 2: needs `prompt`"),
        ('{"question": "x"}', "row 1: needs `prompt`"),
        ('{"prompt": " "}', "row 1: an empty prompt"),
        ('{"prompt": "x", "id": 2}\n{"prompt": "y"}', "row 1: id '2' occurs twice"),
        (f'{{"messages": [{turn("user")}, {turn("assistant")}]}}', "nothing to answer"),
        (f'{{"messages": [{turn("tool")}, {turn("user")}]}}', r"context\.0\.role"),
        (f'{{"messages": [{turn("user", "[]")}]}}', r"row 1, turns\.0"),
        (
            f'{{"messages": [{turn("user", more=", " + chr(34) + "name" + chr(34) + ": 1")}]}}',
            "name",
        ),
        ("{", "not JSON"),
    ],
)
def test_what_is_no_prompt_is_named(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text(text)
    with pytest.raises(UserError, match=words) as caught:
        read_prompts(str(file))
    assert str(file) in str(caught.value)
