"""The store of judge answers: nothing is lost, nothing is deleted, any text survives."""

import json
import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from judge_store import stored_request
from stored_answers import ANSWER, CALL, KEY, MESSAGES, fill, put_many

from asft.errors import UserError
from asft.generation.endpoint.store import Store, call_key, describe_call
from asft.thinking import split_thinking

NASTY = {
    "nul": "a\0b",
    "control": "".join(map(chr, range(32))) + "\x7f\x1b[31m",
    "right to left": "\u202eevil\u202c \u2067x\u2069",
    "lone surrogates": "\ud800 \udfff a\udc80",
    "html": "<script>alert('x')</script><!-- ]]> &amp; -->",
    "line ends": "\r\n\r\u2028\u2029\x85",
    "megabyte": "x" * 1_000_000,
    "astral": "\U0001f600 \ufeff",
    "empty": "",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "judge.sqlite"


def test_key_depends_on_all_that_shapes_an_answer() -> None:
    changes = [
        {"endpoint": "http://127.0.0.2/v1"},
        {"model": "gpt-4-turbo"},
        {"messages": [{"role": "user", "content": "Rate this!"}]},
        {"messages": [{"role": "system", "content": "Rate this."}]},
        {"messages": [*MESSAGES, *MESSAGES]},
        {"parameters": {"temperature": 1, "max_tokens": 2048}},
        {"parameters": {"temperature": 0}},
        {"repeat": 1},
    ]
    keys = {KEY} | {call_key(**{**CALL, **change}) for change in changes}
    assert len(keys) == len(changes) + 1


def test_key_ignores_what_does_not() -> None:
    reordered = {"max_tokens": 2048, "temperature": 0}
    assert call_key(**{**CALL, "parameters": reordered}) == KEY
    assert call_key(**{**CALL, "endpoint": "http://127.0.0.1/v1/"}) == KEY
    assert call_key(**describe_call(**CALL)) == KEY


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_any_text_survives(path: Path, text: str) -> None:
    call = {**CALL, "messages": [{"role": "user", "content": text}]}
    key = call_key(**call)
    with Store(path) as store:
        store.put(key, call, ANSWER._replace(text=text))
    with Store(path) as store:
        assert store.get(key) == ANSWER._replace(text=text)
    request = stored_request(path, key)
    assert request == call
    assert call_key(**request) == key


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters()))  # lone surrogates too
@example(text="<think>One, two.</think>\n\nThree.")
@example(text="<think>cut off")
def test_random_text_survives(tmp_path: Path, text: str) -> None:
    """Also one that was stored with its thinking: read, it is in two parts, and all there."""
    call = {**CALL, "messages": [{"role": "user", "content": text}]}
    with Store(tmp_path / "s.sqlite") as store:
        store.put(call_key(**call), call, ANSWER._replace(text=text))
        found = store.get(call_key(**call))
    assert found is not None
    assert found.thinking + found.text == text
    assert found.thinking == split_thinking(text).thinking


def test_missing_key_and_first_answer_stays(path: Path) -> None:
    with Store(path) as store:
        assert store.get(KEY) is None
        store.put(KEY, CALL, ANSWER)
        store.put(KEY, CALL, ANSWER._replace(text="another"))
        assert store.get(KEY) == ANSWER


def test_every_put_is_committed_and_synced(path: Path) -> None:
    with Store(path) as store:
        store.put(KEY, CALL, ANSWER)
        with sqlite3.connect(path) as other:
            assert other.execute("SELECT count(*) FROM answers").fetchone() == (1,)
            assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        other.close()


def test_threads_share_one_store(path: Path) -> None:
    with Store(path) as store:

        def work(name: int) -> None:
            for number in range(20):
                store.put(f"{name} {number}", CALL, ANSWER)
                assert store.get(f"{name} {number}") == ANSWER

        threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        count = store._connection.execute("SELECT count(*) FROM answers").fetchone()
    assert count == (160,)


def test_processes_make_and_fill_one_file_at_once(path: Path) -> None:
    with multiprocessing.get_context("forkserver").Pool(6) as pool:
        pool.starmap(put_many, [(path, str(worker)) for worker in range(6)], chunksize=1)
    with Store(path) as store:
        count = store._connection.execute("SELECT count(*) FROM answers").fetchone()
    assert count == (60,)


def test_opening_waits_for_another_that_makes_the_file(path: Path) -> None:
    path.parent.mkdir()
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")  # against this SQLite does not wait by itself
    threading.Timer(0.3, other.close).start()
    with Store(path) as store:
        store.put(KEY, CALL, ANSWER)
        assert store.get(KEY) == ANSWER


@pytest.mark.parametrize("damage", ["not a database", "garbled pages", "garbled row", "other file"])
def test_damaged_file_is_named_and_kept(path: Path, damage: str) -> None:
    with Store(path) as store:
        for number in range(200):
            store.put(f"{number}", CALL, ANSWER)
        store.put(KEY, CALL, ANSWER)
    content = path.read_bytes()
    if damage == "not a database":
        path.write_bytes(b"{}" * 4096)
    elif damage == "garbled pages":
        path.write_bytes(content[:8192] + b"\xff" * (len(content) - 8192))
    else:
        other = "UPDATE answers SET answer = '{'"
        if damage == "other file":
            other = "UPDATE answers SET answer = '{\"text\": 1}'"
        with sqlite3.connect(path) as connection:
            connection.execute(other)
        connection.close()
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"judge\.sqlite: damaged .*move it away") as caught:
        _read_all(path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


def _read_all(path: Path) -> None:
    with Store(path) as store:
        for number in range(200):
            store.get(f"{number}")


def test_replay_from_a_folder_that_cannot_be_written(path: Path) -> None:
    with Store(path) as store:
        store.put(KEY, CALL, ANSWER)
    before = path.read_bytes()
    path.parent.chmod(0o555)
    path.chmod(0o444)
    try:
        with Store(path, read_only=True) as store:
            assert store.get(KEY) == ANSWER
            with pytest.raises(UserError, match="readonly"):
                store.put("other", CALL, ANSWER)
    finally:
        path.parent.chmod(0o755)
    assert path.read_bytes() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone without rights")
def test_replay_by_a_user_who_may_only_read(path: Path) -> None:
    with Store(path) as store:
        store.put(KEY, CALL, ANSWER)
    folder = Path("/tmp", f"asft-store-{os.getpid()}")
    shutil.copytree(path.parent, folder)
    code = (
        "import os, sys; from asft.generation.endpoint.store import Store\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "print(Store(sys.argv[1], read_only=True).get(sys.argv[2]).text)"
    )
    try:
        command = [sys.executable, "-c", code, str(folder / path.name), KEY]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        shutil.rmtree(folder)
    assert done.stdout.strip() == ANSWER.text, done.stderr


def test_replay_sees_answers_still_in_the_log_of_a_killed_run(path: Path) -> None:
    code = (
        "import os, sys; from asft.generation.endpoint.store import Reply, Store\n"
        f"Store(sys.argv[1]).put({KEY!r}, {CALL!r}, {ANSWER!r}); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert path.with_name(f"{path.name}-wal").stat().st_size > 0
    with Store(path, read_only=True) as store:
        assert store.get(KEY) == ANSWER


def test_replay_needs_a_store(path: Path) -> None:
    with pytest.raises(UserError, match="no such store"):
        Store(path, read_only=True)
    assert not path.exists()


def test_another_kind_of_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE answers (name TEXT)")
    connection.close()
    with Store(path) as store, pytest.raises(UserError, match="or that it is a store"):
        store.get(KEY)


def test_full_disk_loses_no_stored_answer(path: Path) -> None:
    with multiprocessing.get_context("forkserver").Pool(1) as pool:
        stored, error = pool.apply(fill, (path,))
    assert stored > 0
    assert str(path) in error
    with Store(path) as store:
        assert all(store.get(f"{number}") for number in range(stored))
        store.put(f"{stored}", CALL, ANSWER)
        assert store.get(f"{stored}") == ANSWER


def test_rows_are_readable_by_hand(path: Path) -> None:
    with Store(path) as store:
        store.put(KEY, CALL, ANSWER)
    with sqlite3.connect(path) as connection:
        key, request, answer = connection.execute("SELECT * FROM answers").fetchone()
    connection.close()
    assert key == KEY
    assert json.loads(request) == CALL
    assert json.loads(answer) == ANSWER._asdict()


def test_thinking_in_answers_of_older_stores_is_apart_when_read(path: Path) -> None:
    older = ANSWER._replace(text="<think>hm</think>Good. [[7]]")._asdict()
    row = {name: older[name] for name in older if not name.startswith("thinking")}
    with Store(path) as store:
        values = (KEY, json.dumps(CALL), json.dumps(row))
        store._connection.execute("INSERT INTO answers VALUES (?, ?, ?)", values)
        found = store.get(KEY)
    assert found == ANSWER._replace(thinking="<think>hm</think>")
