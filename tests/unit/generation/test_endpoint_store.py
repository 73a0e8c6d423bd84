"""The store of judge answers: nothing is lost, nothing is deleted, any text survives."""

import hashlib
import multiprocessing
import os
import shutil
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from judge_server import until
from judge_store import stored_request, stored_rows
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
    return tmp_path / "cache" / "judge.answers"


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
    with Store(tmp_path / "s.answers") as store:
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


def test_every_put_is_on_the_disk_and_seen_by_others(path: Path, monkeypatch: Any) -> None:
    synced: list[int] = []

    def fsync(handle: int) -> None:
        synced.append(os.fstat(handle).st_size)
        real(handle)

    real = os.fsync
    monkeypatch.setattr(os, "fsync", fsync)
    with Store(path) as store, Store(path) as other:
        assert other.get(KEY) is None
        store.put(KEY, CALL, ANSWER)
        (file,) = path.glob("*.jsonl")
        assert synced[-1] == file.stat().st_size > 0
        assert other.get(KEY) == ANSWER
        assert other.find([KEY, "missing"]) == {KEY: ANSWER}


def test_answers_that_wait_for_the_disk_go_together(path: Path, monkeypatch: Any) -> None:
    begun, go_on = threading.Event(), threading.Event()
    synced = 0

    def fsync(handle: int) -> None:
        nonlocal synced
        if stat.S_ISREG(os.fstat(handle).st_mode):
            synced += 1
            begun.set()
            go_on.wait(60)

    with Store(path) as store:
        monkeypatch.setattr(os, "fsync", fsync)
        putting = [
            threading.Thread(target=store.put, args=(f"{n}", CALL, ANSWER)) for n in range(9)
        ]
        putting[0].start()
        begun.wait(60)  # the first is being synced; the others queue
        for thread in putting[1:]:
            thread.start()
        until(lambda: len(store._file._waiting) == 8)
        assert all(thread.is_alive() for thread in putting)  # none is kept before its fsync
        go_on.set()
        for thread in putting:
            thread.join()
        assert synced == 2
        assert len(store.find(map(str, range(9)))) == 9


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
    assert len(stored_rows(path)) == 160


def test_processes_make_and_fill_one_store_at_once(path: Path) -> None:
    with multiprocessing.get_context("forkserver").Pool(6) as pool:
        pool.starmap(put_many, [(path, str(worker)) for worker in range(6)], chunksize=1)
    assert len(list(path.glob("*.jsonl"))) == 6
    assert not list(path.glob("*.alive"))
    with Store(path, read_only=True) as store:
        keys = [f"{worker} {number}" for worker in range(6) for number in range(10)]
        assert len(store.find(keys)) == 60


def test_of_several_answers_all_take_the_earliest(path: Path) -> None:
    later = ANSWER._replace(text="later", date="2026-11-24T12:00:00+00:00")
    with Store(path) as one, Store(path) as other:
        one.put(KEY, CALL, later)
        other.put(KEY, CALL, ANSWER)  # it knows nothing of the first
        assert len(stored_rows(path)) == 2
        assert one.find([KEY]) == other.find([KEY]) == {KEY: ANSWER}


@pytest.mark.parametrize("end", [b'{"sha256": "12', b"\0" * 5000])
def test_what_a_crash_cut_off_is_passed_over(path: Path, end: bytes, caplog: Any) -> None:
    with Store(path) as store:
        store.put(KEY, CALL, ANSWER)
    (file,) = path.glob("*.jsonl")
    file.write_bytes(file.read_bytes() + end)
    with Store(path) as store:
        assert store.get(KEY) == ANSWER
        store.put("other", CALL, ANSWER)
        store.get("missing")
    assert caplog.text.count("cut off by a crash; no kept answer is lost") == 1
    with Store(path) as store:
        assert len(store.find([KEY, "other"])) == 2


def test_zeros_where_data_never_reached_the_disk_are_passed_over(path: Path) -> None:
    with Store(path) as store:
        for number in range(3):
            store.put(f"{number}", CALL, ANSWER)
    (file,) = path.glob("*.jsonl")
    first, second, third = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(first + b"\0" * 10 + second[10:] + third)
    with Store(path, read_only=True) as store:
        assert store.find(["0", "1", "2"]).keys() == {"0", "2"}


def test_a_file_that_is_removed_under_the_writer_loses_no_later_answer(path: Path) -> None:
    with Store(path) as store:
        store.put("before", CALL, ANSWER)
        next(path.glob("*.jsonl")).unlink()
        store.put(KEY, CALL, ANSWER)
        assert store.get(KEY) == ANSWER


@pytest.mark.parametrize("damage", ["flipped bit", "line of another file", "half a line"])
def test_damaged_file_is_named_and_kept(path: Path, damage: str) -> None:
    with Store(path) as store:
        for number in range(200):
            store.put(f"{number}", CALL, ANSWER)
    (file,) = path.glob("*.jsonl")
    lines = file.read_bytes().splitlines(keepends=True)
    line = lines[99]
    lines[99] = {
        "flipped bit": line.replace(b"[[7]]", b"[[8]]"),
        "line of another file": b'{"text": "x"}\n',
        "half a line": line[200:],
    }[damage]
    file.write_bytes(b"".join(lines))
    before = file.read_bytes()
    with pytest.raises(UserError, match=r"\.jsonl, line 100: damaged .*move the file") as caught:
        Store(path)
    assert "\n" not in str(caught.value)
    assert file.read_bytes() == before


def test_replay_from_a_folder_that_cannot_be_written(path: Path) -> None:
    with Store(path) as store:
        store.put(KEY, CALL, ANSWER)
    before = sorted(path.iterdir())
    path.chmod(0o555)
    try:
        with Store(path, read_only=True) as store:
            assert store.get(KEY) == ANSWER
            with pytest.raises(UserError, match="readonly"):
                store.put("other", CALL, ANSWER)
    finally:
        path.chmod(0o755)
    assert sorted(path.iterdir()) == before


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


def test_replay_sees_answers_of_a_killed_run(path: Path) -> None:
    code = (
        "import os, sys; from asft.generation.endpoint.store import Reply, Store\n"
        f"Store(sys.argv[1]).put({KEY!r}, {CALL!r}, {ANSWER!r}); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert list(path.glob("*.alive"))
    with Store(path, read_only=True) as store:
        assert store.get(KEY) == ANSWER
    with Store(path) as store:
        store.put("other", CALL, ANSWER)
    assert not list(path.glob("*.alive"))


def test_replay_needs_a_store(path: Path) -> None:
    with pytest.raises(UserError, match="no such store"):
        Store(path, read_only=True)
    assert not path.exists()


def test_full_disk_loses_no_stored_answer(path: Path) -> None:
    with multiprocessing.get_context("forkserver").Pool(1) as pool:
        stored, error = pool.apply(fill, (path,))
    assert stored > 0
    assert f"{path}/" in error
    with Store(path) as store:
        assert all(store.get(f"{number}") for number in range(stored))
        store.put(f"{stored}", CALL, ANSWER)
        assert store.get(f"{stored}") == ANSWER


def test_rows_are_readable_by_hand(path: Path) -> None:
    with Store(path) as store:
        store.put(KEY, CALL, ANSWER)
    (row,) = stored_rows(path)
    assert [row.pop(name) for name in ("key", "request")] == [KEY, CALL]
    assert row.pop("answer") == ANSWER._asdict()
    assert row.keys() == {"sha256"}
    (file,) = path.glob("*.jsonl")
    digested = file.read_bytes()[76:-1]  # as `lines.py` says
    assert hashlib.sha256(digested).hexdigest() == row["sha256"]
