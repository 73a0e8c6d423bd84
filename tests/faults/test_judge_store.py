"""What a judge has answered is stored and not asked for again: repeats, replays, kills."""

import asyncio
import contextlib
import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from judge_calls import GOOD, endpoint, questions
from judge_server import JudgeServer, Reply, until

from asft.errors import UserError
from asft.generation.endpoint.ask import Outcome, Request, ask, ask_all, shortfall
from asft.generation.endpoint.client import Endpoint
from asft.generation.endpoint.store import Store, call_key

ROOT = Path(__file__).parents[2]


def test_equal_requests_are_asked_once_and_repeats_are_not_equal(store: Store) -> None:
    one, other = questions(2)
    requests = [one, other, one, one._replace(repeat=1)]
    seen: list[Outcome] = []
    with JudgeServer([GOOD]) as server:
        outcomes = ask(endpoint(server.url), requests, store, seen.append)
        assert len(server.bodies) == 3
        assert outcomes[0] is outcomes[2]
        assert outcomes[0].key != outcomes[3].key
        assert sorted(o.key for o in seen) == sorted({o.key for o in outcomes})
        again = ask(endpoint(server.url), requests, store)
        assert len(server.bodies) == 3
    assert [o.answer for o in again] == [o.answer for o in outcomes]
    assert {o.attempts for o in again} == {0}


def test_other_settings_are_asked_anew(store: Store) -> None:
    with JudgeServer([GOOD]) as server:
        ask(endpoint(server.url), questions(2), store)
        ask(endpoint(server.url, timeout_s=9, concurrency=1), questions(2), store)
        assert len(server.bodies) == 2
        ask(endpoint(server.url, parameters={"temperature": 1}), questions(2), store)
        ask(endpoint(server.url, model="gpt-4-turbo"), questions(2), store)
        assert len(server.bodies) == 6


def test_replay_sends_nothing_and_needs_no_key(tmp_path: Path) -> None:
    path = tmp_path / "judge.answers"
    with JudgeServer([GOOD]) as server:
        judge = endpoint(server.url)
        with Store(path) as store:
            ask(judge, questions(2), store)
        judge = judge.model_copy(update={"api_key_env": "ASFT_TEST_UNSET"})
        with Store(path, read_only=True) as store:
            outcomes = ask(judge, questions(3), store)
        assert len(server.bodies) == 2
    assert [bool(outcome.answer) for outcome in outcomes] == [True, True, False]
    assert "1 left" in str(shortfall(outcomes))


def test_a_store_that_cannot_be_written_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with JudgeServer([GOOD]) as server, Store(tmp_path / "judge.answers") as store:
        monkeypatch.setattr(os, "fsync", fsync)
        with pytest.raises(UserError, match=r"judge\.answers.*\.jsonl: No space left"):
            ask(endpoint(server.url, concurrency=2), questions(50), store)
        assert len(server.bodies) <= 4


KILLED = """
import sys
from asft.generation.endpoint.ask import ask
from asft.generation.endpoint.store import Store
sys.path[:0] = ["tests"]
from judge_calls import endpoint, questions
ask(endpoint(sys.argv[1], concurrency=4), questions(60), Store(sys.argv[2]))
"""


def test_kill_in_the_middle_repeats_no_stored_call(tmp_path: Path) -> None:
    path = tmp_path / "judge.answers"
    killed = threading.Event()

    def script(body: dict[str, Any], before: int) -> Reply:
        if len(server.bodies) > 40:
            killed.wait(60)  # the child shall not be done before it is killed
        return GOOD

    with JudgeServer(script) as server:
        child = subprocess.Popen([sys.executable, "-c", KILLED, server.url, str(path)], cwd=ROOT)
        until(lambda: len(server.bodies) >= 25)
        child.kill()
        assert child.wait() == -signal.SIGKILL
        killed.set()
        with Store(path) as store:
            judge = endpoint(server.url, concurrency=4)
            keys = [_key(judge, request) for request in questions(60)]
            stored = {n for n, key in enumerate(keys) if store.get(key)}
            outcomes = ask(judge, questions(60), store)
        assert 25 - 4 <= len(stored) <= 40
        assert len(server.bodies) <= 60 + 4  # what was in flight was lost, no more
        assert all(server.seen[f"question {n}"] == 1 for n in stored)
    assert shortfall(outcomes) is None


def _key(judge: Endpoint, request: Request) -> str:
    messages = request.messages
    return call_key(judge.base_url, judge.model, messages, judge.parameters, request.repeat)


def test_interrupt_keeps_what_was_answered(store: Store) -> None:
    async def interrupted(url: str) -> None:
        enough = asyncio.Event()

        def note(outcome: Outcome) -> None:
            known.append(outcome)
            if len(known) == 10:
                enough.set()

        judge = endpoint(url, concurrency=2)
        asking = asyncio.create_task(ask_all(judge, questions(40), store, note))
        await enough.wait()
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking

    known: list[Outcome] = []
    with JudgeServer([GOOD]) as server:
        asyncio.run(interrupted(server.url))
        assert 10 <= len(known) < 40
        assert all(store.get(outcome.key) == outcome.answer for outcome in known)
        assert len(server.bodies) < 40
        ask(endpoint(server.url, concurrency=20), questions(40), store)
        assert len(server.bodies) <= 40 + 2
