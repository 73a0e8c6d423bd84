"""Of all jobs that share a store one asks a call, and a dead job keeps no call from being asked."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from stored_answers import ANSWER, CALL, KEY

from asft.generation.endpoint.store import Store, job


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "judge.answers"


def dead_claim(path: Path) -> Path:
    """The claim of a job that was killed while it asked."""
    code = (
        "import os, sys; from asft.generation.endpoint.store import Store\n"
        f"assert Store(sys.argv[1]).claim({KEY!r}); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    (claim,) = path.glob("*.claim")
    return claim


def test_one_job_asks_and_the_others_see_its_answer(path: Path) -> None:
    with Store(path) as one, Store(path) as other:
        assert one.claim(KEY)
        assert one.claim(KEY)  # its own
        assert not other.claim(KEY)
        assert other.claim("another")
        one.put(KEY, CALL, ANSWER)
        one.release(KEY)
        assert not other.claim(KEY)
        assert other.get(KEY) == ANSWER
    assert {file.suffix for file in path.iterdir()} == {".jsonl"}


def test_a_call_without_an_answer_may_be_asked_by_another(path: Path) -> None:
    with Store(path) as one, Store(path) as other:
        assert one.claim(KEY)
        one.release(KEY)
        assert other.claim(KEY)
        assert not one.claim(KEY)


def test_closing_lets_go(path: Path) -> None:
    with Store(path) as other:
        with Store(path) as one:
            assert one.claim(KEY)
        assert other.claim(KEY)


def test_one_of_many_takes_over_what_a_dead_job_was_asking(path: Path) -> None:
    dead_claim(path)
    stores = [Store(path) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda store: store.claim(KEY), stores))
    assert sum(taken) == 1
    winner = stores[taken.index(True)]
    winner.release(KEY)
    assert not list(path.glob("*.claim"))
    for store in stores:
        store.close()


def elsewhere(path: Path, claim: Path) -> Path:
    """Make a claim one of a job on another machine; return its heartbeat."""
    (heart,) = (p for p in path.glob("*.alive") if p.stem == claim.read_text())
    name = "0123456789ab-" + heart.stem.partition("-")[2]
    claim.write_text(name)
    return heart.rename(path / f"{name}.alive")


@pytest.mark.parametrize(("age", "taken"), [(0, False), (60, False), (200, True)])
def test_a_job_on_another_machine_is_dead_without_a_heartbeat(
    path: Path, age: int, taken: bool
) -> None:
    heart = elsewhere(path, dead_claim(path))
    with Store(path) as store:
        store.claim("another")  # the heartbeat to compare with
        times = heart.stat().st_mtime - age
        os.utime(heart, (times, times))
        assert store.claim(KEY) is taken
        assert heart.exists()  # its file may be compacted only after a day


def test_times_are_those_of_the_file_server(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose clock is a day ahead takes nothing from one that is alive."""
    elsewhere(path, dead_claim(path))
    monkeypatch.setattr("time.time", lambda: 4e9)
    with Store(path) as store:
        assert not store.claim(KEY)


def test_a_heart_beats(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "BEAT_S", 0.01)
    with Store(path) as store:
        store.claim(KEY)
        (heart,) = path.glob("*.alive")
        os.utime(heart, (0, 0))
        from judge_server import until

        until(lambda: heart.stat().st_mtime > 1e9)
    assert not heart.exists()


def test_a_claim_without_a_name_is_held_until_it_is_old(path: Path) -> None:
    """Its job may have been killed between making the file and writing to it."""
    path.mkdir()
    claim = path / f"{KEY}.0.claim"
    claim.touch()
    with Store(path) as store:
        assert not store.claim(KEY)
        os.utime(claim, (0, 0))
        assert store.claim(KEY)


def test_a_number_of_another_process_is_no_life(path: Path) -> None:
    """Numbers of processes are given again: the time of its start belongs to the name."""
    claim = dead_claim(path)
    (heart,) = path.glob("*.alive")
    table, _, started, token = heart.stem.split("-")
    name = f"{table}-{os.getpid()}-{started}-{token}"
    heart.rename(path / f"{name}.alive")
    claim.write_text(name)
    with Store(path) as store:
        assert store.claim(KEY)
