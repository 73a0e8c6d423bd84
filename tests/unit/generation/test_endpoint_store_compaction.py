"""Small files of ended jobs become one; whoever is killed meanwhile loses nothing."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from judge_store import stored_rows
from stored_answers import ANSWER, CALL

from asft.errors import UserError
from asft.generation.endpoint.store import Store, compaction
from asft.generation.endpoint.store.lines import encode

KEYS = [f"{number}" for number in range(5)]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with each answer in a file of its own, and one of them in a second."""
    monkeypatch.setattr(compaction, "MANY", 5)
    path = tmp_path / "judge.answers"
    path.mkdir()
    for name, key in enumerate([*KEYS, KEYS[0]]):
        (path / f"job{name}.0.jsonl").write_bytes(encode(key, CALL, ANSWER._asdict()))
    return path


def found(path: Path) -> dict[str, Any]:
    with Store(path, read_only=True) as store:
        return store.find(KEYS)


ALL = dict.fromkeys(KEYS, ANSWER)


def test_many_small_files_become_one(path: Path) -> None:
    compaction.compact(path)
    (file,) = path.iterdir()
    assert file.name.startswith("merged")
    assert [row["key"] for row in stored_rows(path)] == KEYS
    assert found(path) == ALL


def test_a_job_that_wrote_compacts_when_it_closes(path: Path) -> None:
    with Store(path) as store:
        store.put("new", CALL, ANSWER)
    assert len(list(path.iterdir())) == 2


def test_files_of_live_jobs_large_ones_and_the_imported_stay(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path / "job0.alive").touch()
    (path / "imported.jsonl").write_bytes(encode("imported", CALL, ANSWER._asdict()))
    (path / "job9.0.jsonl").write_bytes(
        encode("large", CALL, ANSWER._replace(text="x" * 9999)._asdict())
    )
    monkeypatch.setattr(compaction, "SMALL", 9999)
    compaction.compact(path)
    kept = {file.name for file in path.iterdir() if not file.name.startswith("merged")}
    assert kept == {"job0.0.jsonl", "job0.alive", "imported.jsonl", "job9.0.jsonl"}
    assert found(path) == ALL


def test_readers_follow(path: Path) -> None:
    with Store(path, read_only=True) as lazy, Store(path, read_only=True) as reader:
        compaction.compact(path)
        assert lazy.get(KEYS[3]) == ANSWER
        assert reader.find(KEYS) == ALL


def test_a_damaged_line_stays_where_it_is(path: Path) -> None:
    file = path / "job2.0.jsonl"
    file.write_bytes(file.read_bytes().replace(b"[[7]]", b"[[8]]"))
    before = sorted(path.iterdir())
    with pytest.raises(ValueError, match="digest"):
        compaction.compact(path)
    assert sorted(path.iterdir()) == before
    with pytest.raises(UserError, match=r"job2\.0\.jsonl, line 1"):
        found(path)


def test_what_a_crash_cut_off_goes(path: Path) -> None:
    with (path / "job2.0.jsonl").open("ab") as file:
        file.write(b'{"sha256": "1')
    compaction.compact(path)
    assert found(path) == ALL
    assert len(stored_rows(path)) == len(KEYS)


def killed_at(path: Path, moment: int) -> bool:
    """Compact in a process that is killed before its n-th line of ours; whether it came to that."""
    child = os.fork()
    if not child:
        left = moment

        def step(frame: Any, event: str, _: Any) -> Any:
            nonlocal left
            if "/asft/" not in frame.f_code.co_filename:
                return None
            left -= event == "line"
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return step

        sys.settrace(step)
        compaction.compact(path)
        os.kill(os.getpid(), signal.SIGTERM)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) == signal.SIGKILL


@pytest.mark.filterwarnings("ignore:.*fork")
def test_killed_at_any_point_it_loses_nothing(path: Path) -> None:
    moments = 0
    files = {file.name: file.read_bytes() for file in path.iterdir()}
    while killed_at(path, moments):
        assert found(path) == ALL, moments
        moments += 1
        for file in path.iterdir():
            file.unlink()
        for name, content in files.items():
            (path / name).write_bytes(content)
    assert moments > 30
    assert len(list(path.iterdir())) == 1
    assert found(path) == ALL
