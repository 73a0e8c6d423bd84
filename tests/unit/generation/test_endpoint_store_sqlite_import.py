"""Answers of the SQLite file that a store was before: imported once, and the file kept."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from judge_store import stored_rows
from stored_answers import ANSWER, CALL, KEY

from asft.errors import UserError
from asft.generation.endpoint.store import Store

TABLE = "CREATE TABLE answers (key TEXT PRIMARY KEY, request TEXT, answer TEXT)"


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """As the version before left it: 100 answers."""
    path = tmp_path / "cache" / "judge.sqlite"
    path.parent.mkdir()
    rows = [(KEY if n == 0 else f"{n}", json.dumps(CALL)) for n in range(100)]
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(TABLE)
    for row in rows:
        values = (*row, json.dumps(ANSWER._asdict()))
        connection.execute("INSERT INTO answers VALUES (?, ?, ?)", values)
    connection.commit()
    connection.close()
    return path


def test_answers_are_imported_once_and_the_file_kept(older: Path) -> None:
    before = older.read_bytes()
    folder = older.with_suffix(".answers")
    with Store(folder) as store:
        assert store.get(KEY) == ANSWER
        assert not store.claim("99")
        store.put(KEY, CALL, ANSWER._replace(text="another"))
    assert older.read_bytes() == before
    assert len(stored_rows(folder)) == 100
    assert stored_rows(folder)[0]["request"] == CALL
    (imported,) = folder.glob("*.jsonl")
    stamp = imported.stat().st_mtime_ns
    with Store(folder) as store:
        assert store.get("99") == ANSWER
    assert imported.stat().st_mtime_ns == stamp


def test_a_path_to_the_older_file_still_means_its_answers(older: Path) -> None:
    with Store(older) as store:
        assert store.path == older.with_suffix(".answers")
        assert store.get(KEY) == ANSWER


def test_replay_writes_nothing(older: Path) -> None:
    with Store(older, read_only=True) as store:
        assert store.get(KEY) == ANSWER
    assert list(older.parent.iterdir()) == [older]


KILLED = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("INSERT INTO answers SELECT 'in the log', request, answer FROM answers LIMIT 1")
os.kill(os.getpid(), 9)
"""


def test_answers_in_the_log_of_a_killed_run_are_imported_too(older: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(older)], check=False)
    log = older.with_name("judge.sqlite-wal")
    before = log.read_bytes()
    assert before
    with Store(older) as store:
        assert store.get("in the log") == ANSWER
    assert log.read_bytes() == before


def test_answers_of_before_thinking_was_kept_apart(older: Path) -> None:
    answer = ANSWER._replace(text="<think>hm</think>Good. [[7]]")._asdict()
    row = {name: answer[name] for name in answer if not name.startswith("thinking")}
    with sqlite3.connect(older) as connection:
        connection.execute("UPDATE answers SET answer = ? WHERE key = ?", (json.dumps(row), KEY))
    connection.close()
    with Store(older) as store:
        assert store.get(KEY) == ANSWER._replace(thinking="<think>hm</think>")


@pytest.mark.parametrize("damage", ["not a database", "garbled pages", "garbled row", "other row"])
def test_a_damaged_file_is_named_and_kept(older: Path, damage: str) -> None:
    content = older.read_bytes()
    if damage == "not a database":
        older.write_bytes(b"{}" * 4096)
    elif damage == "garbled pages":
        older.write_bytes(content[:8192] + b"\xff" * (len(content) - 8192))
    else:
        row = "{" if damage == "garbled row" else '{"text": 1}'
        with sqlite3.connect(older) as connection:
            connection.execute("UPDATE answers SET answer = ? WHERE key = '50'", (row,))
        connection.close()
    before = older.read_bytes()
    with pytest.raises(UserError, match=r"judge\.sqlite: damaged .*move it away") as caught:
        Store(older)
    assert "\n" not in str(caught.value)
    assert older.read_bytes() == before
    assert not list(older.with_suffix(".answers").iterdir())


def test_another_kind_of_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "judge.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE answers (name TEXT)")
    connection.close()
    with pytest.raises(UserError, match="no store of answers"):
        Store(path)


def test_an_import_that_was_killed_is_made_again(older: Path) -> None:
    folder = older.with_suffix(".answers")
    folder.mkdir()
    (folder / ".imported.jsonl.abc").write_bytes(b'{"sha256": "')
    with Store(folder) as store:
        assert len(store.find(map(str, range(100)))) == 99
