"""Records on disk: what is written comes back, whole or not at all."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asft.errors import UserError
from asft.files import (
    atomic,
    fingerprint,
    read_json,
    read_json_rows,
    read_jsonl,
    write_json,
    write_jsonl,
    write_text,
)
from asft.records import Completion, Question, Record, Verdict

TEXT = st.text(max_size=30)  # no lone surrogates: no UTF-8 file can hold them
TEXTS = st.lists(TEXT, max_size=3)
COUNT = st.integers(0, 10**6)
SHARE = st.floats(0, 1)
QUESTIONS = st.builds(Question, question_id=TEXT, category=TEXT, turns=TEXTS, references=TEXTS)
COMPLETIONS = st.builds(
    Completion,
    question_id=TEXT,
    turns=TEXTS,
    finish_reasons=st.lists(st.sampled_from(["stop", "length"]), max_size=3),
    tokens=st.lists(COUNT, max_size=3),
)
VERDICTS = st.builds(
    Verdict,
    question_id=TEXT,
    category=TEXT,
    turn=COUNT,
    game=st.sampled_from([0, 1, 2]),
    repeat=COUNT,
    status=st.sampled_from(["ok", "no_verdict", "conflicting", "api_error"]),
    rating=st.none() | st.floats(0, 10),
    label=st.none() | st.sampled_from(["A>>B", "A=B", "B>A"]),
    judgments=TEXTS,
    keys=TEXTS,
    model=TEXT,
    detail=TEXT,
    probabilities=st.dictionaries(TEXT, SHARE, max_size=3),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("records")


@given(
    st.lists(QUESTIONS, max_size=4)
    | st.lists(COMPLETIONS, max_size=4)
    | st.lists(VERDICTS, max_size=4)
)
def test_records_come_back(folder: Path, records: list[Record]) -> None:
    path = folder / "records.jsonl"
    write_jsonl(path, records)
    kind = type(records[0]) if records else Question
    assert read_jsonl(path, kind) == records
    assert path.read_bytes().count(b"\n") == len(records)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_documents_come_back(folder: Path, value: object) -> None:
    write_json(folder / "value.json", value)
    assert read_json(folder / "value.json") == value


@given(st.dictionaries(st.text(st.characters()), JSON, max_size=4))  # lone surrogates too
def test_a_fingerprint_is_of_content_not_of_order(value: dict[str, object]) -> None:
    turned = dict(reversed(list(value.items())))
    assert fingerprint(turned) == fingerprint(value)
    assert fingerprint([*value.items(), ("more", 1)]) != fingerprint(list(value.items()))


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused_by_name(folder: Path, content: bytes) -> None:
    path = folder / "any.jsonl"
    path.write_bytes(content)
    found = rows_or_refusal(path)
    if isinstance(found, str):
        assert found.startswith(f"{path}")
        assert "\n" not in found
    else:
        assert all(isinstance(row, dict) for row in found)


def rows_or_refusal(path: Path) -> list[dict[str, Any]] | str:
    try:
        return read_json_rows(path)
    except UserError as error:
        return str(error)


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf", b""])
def test_a_byte_order_mark_is_no_content(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content + b'{"a": 1}\r\n\r\n{"a": 2}')
    assert read_json_rows(path) == [{"a": 1}, {"a": 2}]


def test_a_failed_write_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "file.txt"
    write_text(path, "old")
    with suppress(ZeroDivisionError), atomic(path) as temporary:
        temporary.write_text("half of the n")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_files_have_the_rights_of_any_other(tmp_path: Path) -> None:
    write_text(tmp_path / "ours", "")
    (tmp_path / "usual").touch()
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_rows_of_another_kind_are_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"question_id": "a", "turns": "b"}) + "\n")
    with pytest.raises(UserError, match=rf"^{path}, row 1, key 'turns': "):
        read_jsonl(path, Question)
    path.write_text(json.dumps({"question_id": "a", "turns": [], "trns": []}) + "\n")
    with pytest.raises(UserError, match="row 1, key 'trns': Extra inputs"):
        read_jsonl(path, Question)
