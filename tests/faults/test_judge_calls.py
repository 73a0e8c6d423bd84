"""Many calls of a judge, whose real server misbehaves: waits, stops, exact request counts."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from judge_calls import CANARY, GOOD, endpoint, questions
from judge_server import JudgeServer, Reply, error, until

from asft.generation.endpoint.ask import Outcome, ask, shortfall
from asft.generation.endpoint.outcomes import is_finished
from asft.generation.endpoint.probes import PROBES
from asft.generation.endpoint.run import DOUBT_AFTER
from asft.generation.endpoint.store import Store

BUSY = error(429, retry_after_ms="300")
FATAL = {
    "401": (error(401, "Incorrect API key provided: sk-ca****Lp8r"), "HTTP 401", "JUDGE_KEY"),
    "402": (error(402, "Insufficient balance"), "HTTP 402: Insufficient", "JUDGE_KEY has no quota"),
    "model": (error(404, "The model `x` does not exist"), "HTTP 404: The model", "`model`"),
    "parameter": (error(400, "Use another", "unsupported_parameter"), "HTTP 400", "`parameters`"),
    "quota": (error(429, "You exceeded", "insufficient_quota"), "HTTP 429: You exc", "no quota"),
    "long wait": (error(429, "Slow", Retry_After="600"), "HTTP 429: Slow", "wait 600 s"),
    "long wait at 503": (error(503, "Busy", Retry_After="600"), "HTTP 503: Busy", "`max_wait_s`"),
}
# What nobody knows: about one call where another was answered, else about all.
UNKNOWN = {
    "400": (error(400, "Something is wrong"), "HTTP 400: Something", "`parameters`"),
    "403": (error(403, "Country not supported"), "HTTP 403: Country not supported", "JUDGE_KEY"),
    "404": (error(404, "Nothing there"), "HTTP 404: Nothing there", "`base_url`"),
    "422": (error(422, "Not processable"), "HTTP 422: Not processable", "`model`"),
}


@pytest.mark.parametrize(("fault", "said", "advice"), FATAL.values(), ids=FATAL)
def test_fault_that_cannot_heal_stops_the_run(
    fault: Reply, said: str, advice: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGE_KEY", CANARY)

    def script(body: dict[str, Any], before: int) -> Reply:
        return fault if body["messages"][0]["content"] == "question 3" else GOOD

    with JudgeServer(script) as server:
        judge = endpoint(server.url, api_key_env="JUDGE_KEY", concurrency=1)
        outcomes = ask(judge, questions(10), store)
        assert len(server.bodies) == 4
    assert [outcome.attempts for outcome in outcomes] == [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert [outcome.answer is not None for outcome in outcomes] == [True] * 3 + [False] * 7
    assert said in outcomes[3].error
    assert advice in outcomes[3].error
    assert [o.state for o in outcomes] == ["answer"] * 3 + ["fatal"] + ["not_asked"] * 6
    left = "3 of 10 judged; 7 left, 6 of them not asked"
    assert shortfall(outcomes) == f"{left}: {outcomes[3].error}; rerun to continue"
    assert not is_finished(outcomes)


@pytest.mark.parametrize(("fault", "said", "advice"), UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_refusal_is_one_calls_outcome_once_another_was_answered(
    fault: Reply, said: str, advice: str, store: Store
) -> None:
    def script(body: dict[str, Any], before: int) -> Reply:
        return fault if body["messages"][0]["content"] == "question 3" else GOOD

    with JudgeServer(script) as server:
        judge = endpoint(server.url, concurrency=1)
        outcomes = ask(judge, questions(10), store)
        assert len(server.bodies) == 10
        assert is_finished(outcomes)
        assert [o.state for o in outcomes] == ["answer"] * 3 + ["refused"] + ["answer"] * 6
        assert (outcomes[3].attempts, outcomes[3].error) == (1, said_by(fault))
        assert said in outcomes[3].error
        # A rerun sends that call alone, and what was stored shows that the settings are right.
        again = ask(judge, questions(10), store)
        assert len(server.bodies) == 11
        assert is_finished(again)
    assert "a rerun would not change that" in str(shortfall(again))


def said_by(fault: Reply) -> str:
    return f"HTTP {fault.status}: {json.loads(fault.body)['error']['message']}"


@pytest.mark.parametrize(("fault", "said", "advice"), UNKNOWN.values(), ids=UNKNOWN)
def test_a_judge_that_refuses_its_first_calls_stops_at_once(
    fault: Reply, said: str, advice: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGE_KEY", CANARY)
    with JudgeServer([fault]) as server:
        judge = endpoint(server.url, api_key_env="JUDGE_KEY", concurrency=1)
        outcomes = ask(judge, questions(10), store)
        assert len(server.bodies) == 2  # the first alone may be the one bad question
    assert [o.state for o in outcomes] == ["refused"] * 2 + ["not_asked"] * 8
    assert not is_finished(outcomes)
    assert said in outcomes[9].error
    assert advice in outcomes[9].error


@pytest.mark.parametrize("concurrency", [1, 4])
def test_the_first_question_may_be_the_bad_one(concurrency: int, store: Store) -> None:
    def script(body: dict[str, Any], before: int) -> Reply:
        if body["messages"][0]["content"] == "question 0":
            return UNKNOWN["400"][0]
        return GOOD._replace(delay=0.2)  # answers take longer than refusals

    with JudgeServer(script) as server:
        outcomes = ask(endpoint(server.url, concurrency=concurrency), questions(12), store)
        assert len(server.bodies) == 12
    assert [o.state for o in outcomes] == ["refused"] + ["answer"] * 11


def test_what_is_refused_waits_for_those_in_flight(store: Store) -> None:
    """After a refusal no call is sent before one in flight shows what it is about."""
    refused = threading.Event()

    def script(body: dict[str, Any], before: int) -> Reply:
        if body["messages"][0]["content"] == "question 0":
            until(lambda: len(server.bodies) == 3)
            return UNKNOWN["400"][0]
        refused.wait(60)
        return UNKNOWN["400"][0]

    with JudgeServer(script) as server:
        judge = endpoint(server.url, concurrency=3, timeout_s=60)
        outcomes = ask(judge, questions(30), store, lambda outcome: refused.set())
        assert len(server.bodies) == 3
    assert [o.state for o in outcomes] == ["refused"] * 3 + ["not_asked"] * 27


def test_calls_in_flight_are_kept_when_the_run_stops(store: Store) -> None:
    known: list[Outcome] = []

    def script(body: dict[str, Any], before: int) -> Reply:
        if body["messages"][0]["content"] == "question 0":
            until(lambda: len(server.bodies) == 4)
            return error(401)
        until(lambda: bool(known))  # the refusal
        return GOOD

    with JudgeServer(script) as server:
        outcomes = ask(endpoint(server.url, concurrency=4), questions(20), store, known.append)
        assert len(server.bodies) == 4
    assert [bool(outcome.answer) for outcome in outcomes] == [False, *[True] * 3, *[False] * 16]
    assert all(store.get(outcome.key) for outcome in outcomes[1:4])


def test_a_stop_ends_the_waits_of_others(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    def script(body: dict[str, Any], before: int) -> Reply:
        if body["messages"][0]["content"] == "question 0":
            until(lambda: _waits(caplog) == 2)
            return error(401)
        until(lambda: len(server.bodies) == 3)  # else the second would wait before it is sent
        return error(503, Retry_After="60")

    start = time.monotonic()
    with JudgeServer(script) as server:
        outcomes = ask(endpoint(server.url), questions(3), store)
        assert len(server.bodies) == 3
    assert time.monotonic() - start < 45  # not 60
    assert all("401" in outcome.error for outcome in outcomes)


def _waits(caplog: pytest.LogCaptureFixture) -> int:
    """How many calls have been told to wait: each logs it before it does."""
    return sum("again in" in record.getMessage() for record in list(caplog.records))


def test_one_impossible_question_does_not_stop_the_others(store: Store) -> None:
    faults = {
        "question 1": error(400, "too long", "context_length_exceeded"),
        "question 3": error(400, "filtered", "content_filter"),
        "question 5": error(400, "This model's maximum context length is 2048 tokens."),
    }
    with JudgeServer(lambda body, _: faults.get(body["messages"][0]["content"], GOOD)) as server:
        outcomes = ask(endpoint(server.url, concurrency=1), questions(8), store)
        assert len(server.bodies) == 8
    assert [bool(outcome.answer) for outcome in outcomes] == [n not in (1, 3, 5) for n in range(8)]
    assert "5 of 8 judged; 3 left" in str(shortfall(outcomes))
    assert "(one of 3 reasons)" in str(shortfall(outcomes))


@pytest.mark.parametrize("when", ["seconds", "milliseconds", "date"])
def test_retry_after_is_honoured_by_all_calls(when: str, store: Store) -> None:
    date = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    headers = {
        "date": {"Retry_After": format_datetime(date, usegmt=True)},
        "seconds": {"Retry_After": "1"},
        "milliseconds": {"retry_after_ms": "1000"},
    }

    def script(body: dict[str, Any], before: int) -> Reply:
        until(lambda: len(server.bodies) >= 2)  # both are asked before one is refused
        return GOOD if before else error(429, **headers[when])

    with JudgeServer(script) as server:
        outcomes = ask(endpoint(server.url, concurrency=2), questions(2), store)
        again = datetime.now(UTC) - timedelta(seconds=time.monotonic() - server.times[2])
        assert [outcome.attempts for outcome in outcomes] == [2, 2]
        if when == "date":
            assert again > date - timedelta(seconds=0.05)
        else:
            assert server.times[2] - server.times[1] > 0.95
        assert server.times[2] - server.times[1] < 60  # milliseconds are not seconds


def test_a_call_that_was_not_refused_waits_too(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    def script(body: dict[str, Any], before: int) -> Reply:
        text = body["messages"][0]["content"]
        if text == "question 0" and before == 0:
            until(lambda: len(server.bodies) == 2)
            return error(429, Retry_After="1")
        if text == "question 1":
            until(lambda: _waits(caplog) == 1)
        return GOOD

    with JudgeServer(script) as server:
        outcomes = ask(endpoint(server.url, concurrency=2), questions(3), store)
        assert shortfall(outcomes) is None
        assert server.seen == {"question 0": 2, "question 1": 1, "question 2": 1}
        at = server.times
    assert min(at[2], at[3]) - at[1] > 0.95


def test_server_that_is_down_is_given_up_soon(store: Store) -> None:
    with JudgeServer([error(500)]) as server:
        outcomes = ask(endpoint(server.url, concurrency=2), questions(100), store)
        assert len(server.bodies) <= 3 * (DOUBT_AFTER + 1) + PROBES
        assert not is_finished(outcomes)
    assert "0 of 100 judged; 100 left, 9" in str(shortfall(outcomes))
    assert "of them not asked: HTTP 500: scripted" in str(shortfall(outcomes))


def test_poisonous_questions_do_not_block_the_rest(store: Store) -> None:
    poison = {"question 0", "question 1", "question 3"}

    def script(body: dict[str, Any], before: int) -> Reply:
        return error(500) if body["messages"][0]["content"] in poison else GOOD

    with JudgeServer(script) as server:
        outcomes = ask(endpoint(server.url, concurrency=1), questions(6), store)
        assert len(server.bodies) == 3 * 3 + 3
        again = ask(endpoint(server.url, concurrency=1), questions(6), store)
        assert len(server.bodies) == 3 * 3 + 3 + 3 * 3
    assert [o.attempts for o in outcomes] == [3, 3, 1, 3, 1, 1]
    assert [o.attempts for o in again] == [3, 3, 0, 3, 0, 0]


def judged(server: JudgeServer, store: Store, count: int) -> list[Outcome]:
    return ask(endpoint(server.url, concurrency=1, max_attempts=2), questions(count), store)


def test_bad_questions_in_a_row_are_told_from_a_server_that_is_down(store: Store) -> None:
    """Of 24 calls the first twelve fail for ever: the others are all asked, and none twice."""
    bad = {f"question {n}" for n in range(12)}

    def script(body: dict[str, Any], before: int) -> Reply:
        return error(500) if body["messages"][0]["content"] in bad else GOOD

    with JudgeServer(script) as server:
        outcomes = judged(server, store, 24)
        assert [o.state for o in outcomes] == ["passing"] * 12 + ["answer"] * 12
        assert is_finished(outcomes)
        assert [server.seen[f"question {n}"] for n in range(12, 24)] == [1] * 12
        assert [o.attempts for o in outcomes] == [server.seen[f"question {n}"] for n in range(24)]
        # A rerun has bad ones alone: that the server lives is seen, after the third and the sixth
        # of them, from one that was answered.
        again = judged(server, store, 24)
        assert [o.state for o in again] == [o.state for o in outcomes]
        assert is_finished(again)
        assert sum(server.seen.values()) - sum(server.seen[text] for text in bad) == 12 + 2


@pytest.mark.parametrize("before", [0, 1, 7])
def test_a_server_that_dies_is_not_asked_for_ever(before: int, store: Store) -> None:
    def script(body: dict[str, Any], _: int) -> Reply:
        return GOOD if len(server.bodies) <= before else error(503)

    with JudgeServer(script) as server:
        outcomes = judged(server, store, 40)
        assert len(server.bodies) == before + 2 * DOUBT_AFTER + PROBES
    assert not is_finished(outcomes)
    assert f"{before} of 40 judged" in str(shortfall(outcomes))
    assert "HTTP 503: scripted (after 2 attempts); rerun to continue" in str(shortfall(outcomes))


def test_a_fault_of_all_calls_ends_the_doubt_too(store: Store) -> None:
    def script(body: dict[str, Any], _: int) -> Reply:
        return error(500) if len(server.bodies) <= 2 * DOUBT_AFTER else error(401)

    with JudgeServer(script) as server:
        outcomes = judged(server, store, 40)
        assert len(server.bodies) == 2 * DOUBT_AFTER + 1
    assert "HTTP 401" in outcomes[-1].error


@pytest.mark.parametrize(
    "words",
    [
        "the request exceeds the available context size. try increasing the context size",
        "prompt too long; exceeded max context length by 4 tokens",
        "This model's maximum context length is 2048 tokens.",
    ],
)
def test_a_5xx_about_the_requests_own_content_is_its_outcome(words: str, store: Store) -> None:
    with JudgeServer(lambda body, _: GOOD if "9" in str(body) else error(500, words)) as server:
        outcomes = judged(server, store, 10)
        assert len(server.bodies) == 10
    assert [o.state for o in outcomes] == ["too_long"] * 9 + ["answer"]


def test_one_log_line_for_each_retry(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    with JudgeServer([error(500, "first\nline\x1b[31m"), BUSY, GOOD]) as server:
        ask(endpoint(server.url), questions(1, "secret question"), store)
    lines = [r.getMessage() for r in caplog.records if r.name.startswith("asft")]
    assert [line.partition("; attempt")[0] for line in lines] == [
        "judge gpt-4: HTTP 500: first line [31m",
        "judge gpt-4: HTTP 429: scripted",
    ]
    assert lines[1].endswith("; attempt 2 of 3, again in 0.3 s")
    assert "secret" not in "".join(lines)


def test_concurrency_is_used_and_never_exceeded(store: Store) -> None:
    """Six waves, in each of which all 32 wait for one another: bench/judge_calls.py has times."""
    wave, lock = threading.Barrier(32, timeout=30), threading.Lock()
    inside, most = 0, 0

    def script(body: dict[str, Any], before: int) -> Reply:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        wave.wait()
        time.sleep(0.1)  # for a 33rd to be seen
        with lock:
            inside -= 1
        return GOOD

    with JudgeServer(script) as server:
        outcomes = ask(endpoint(server.url, concurrency=32), questions(6 * 32), store)
        assert len(server.bodies) == 6 * 32
    assert shortfall(outcomes) is None
    assert most == 32
