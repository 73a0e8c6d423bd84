"""The judge client against a real server that misbehaves: outcomes, and exact request counts."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from judge_server import JudgeServer, Reply, completion, error, until
from judge_store import stored_request

from asft.errors import UserError
from asft.generation.endpoint.ask import GIVE_UP_AFTER, Outcome, Request, ask, ask_all, shortfall
from asft.generation.endpoint.client import Endpoint
from asft.generation.endpoint.replies import encodable, read_answer, retry_after, scrubbed
from asft.generation.endpoint.store import Store, call_key

ROOT = Path(__file__).parents[2]
CANARY = "sk-canary-7Gq9zT4xWm2LpV8r"
JSON = (("Content-Type", "application/json"),)
GOOD = completion("Rating: [[7]]")
BUSY = error(429, retry_after_ms="300")


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with Store(tmp_path / "judge.sqlite") as store:
        yield store


def endpoint(url: str, **settings: Any) -> Endpoint:
    quick = {"model": "gpt-4", "max_attempts": 3, "backoff_s": 0.01, "timeout_s": 5}
    return Endpoint(base_url=url, **{**quick, **settings})


def questions(count: int, text: str = "question") -> list[Request]:
    return [Request([{"role": "user", "content": f"{text} {n}"}]) for n in range(count)]


def ask_one(server: JudgeServer, store: Store, **settings: Any) -> Outcome:
    (outcome,) = ask(endpoint(server.url, **settings), questions(1), store)
    # Whatever happened, the store holds answers and nothing else.
    assert store.get(outcome.key) == outcome.answer
    assert outcome.attempts == len(server.bodies)
    assert (outcome.answer is None) == bool(outcome.error)
    return outcome


def test_answer_and_all_that_came_with_it(store: Store) -> None:
    with JudgeServer([GOOD]) as server:
        parameters = {"temperature": 0, "max_tokens": 2048, "seed": 1, "top_k": 5}
        outcome = ask_one(server, store, parameters=parameters)
        messages = questions(1)[0].messages
        assert server.bodies == [{"model": "gpt-4", "messages": messages, **parameters}]
    answer = outcome.answer
    assert answer is not None
    assert answer[:3] == ("Rating: [[7]]", "stop", "judge-0613")
    assert answer[3:6] == (11, 3, "fp_1")
    assert datetime.now(UTC) - datetime.fromisoformat(answer.date) < timedelta(minutes=1)
    assert outcome.key == call_key(server.url, "gpt-4", messages, parameters, 0)
    assert call_key(**stored_request(store.path, outcome.key)) == outcome.key


PASSING = {
    "429": error(429),
    "408": error(408),
    "409": error(409),
    "500": error(500),
    "502 of a proxy": Reply(b"<html>Bad Gateway</html>", 502, (("Content-Type", "text/html"),)),
    "reset mid-body": GOOD._replace(reset_after=60),
    "reset before the body": GOOD._replace(reset_after=0),
    "malformed JSON": Reply(GOOD.body[:-20], headers=JSON),
    "HTML with 200": Reply(b"<html>Log in</html>", headers=(("Content-Type", "text/html"),)),
    "not UTF-8": Reply(b'{"choices": "\xff"}', headers=JSON),
    "deep JSON": Reply(b"[" * 100_000, headers=JSON),
    "empty body": Reply(b"", headers=JSON),
    "empty choices": Reply(b'{"choices": []}', headers=JSON),
    "no choices": Reply(b'{"error": {"message": "overloaded"}}', headers=JSON),
    "choices null": Reply(b'{"choices": [null]}', headers=JSON),
    "no message": Reply(b'{"choices": [{"finish_reason": "stop"}]}', headers=JSON),
    "content null": completion(None),
    "tool call only": completion(None, "tool_calls", tool_calls=[{"id": "1"}]),
    "content not text": Reply(b'{"choices": [{"message": {"content": 7}}]}', headers=JSON),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_passing_fault_is_asked_again(fault: Reply, store: Store) -> None:
    with JudgeServer([fault, GOOD]) as server:
        outcome = ask_one(server, store)
    assert outcome.attempts == 2
    assert outcome.answer is not None
    assert outcome.answer.text == "Rating: [[7]]"


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_passing_fault_that_stays_uses_up_the_attempts(fault: Reply, store: Store) -> None:
    with JudgeServer([fault]) as server:
        outcome = ask_one(server, store)
    assert outcome.attempts == 3
    assert outcome.error.endswith("(after 3 attempts)")
    assert "\n" not in outcome.error


FATAL = {
    "401": (error(401, "Incorrect API key provided: sk-ca****Lp8r"), "HTTP 401", "JUDGE_KEY"),
    "403": (error(403, "Country not supported"), "HTTP 403: Country not supported", "JUDGE_KEY"),
    "404": (error(404, "The model does not exist"), "HTTP 404: The model does not", "`model`"),
    "400": (error(400, "max_tokens is too large"), "HTTP 400: max_tokens is", "`parameters`"),
    "402": (error(402, "Insufficient balance"), "HTTP 402: Insufficient", "`base_url`"),
    "quota": (error(429, "You exceeded", "insufficient_quota"), "HTTP 429: You exc", "no quota"),
    "long wait": (error(429, "Slow", Retry_After="600"), "HTTP 429: Slow", "wait 600 s"),
    "long wait at 503": (error(503, "Busy", Retry_After="600"), "HTTP 503: Busy", "`max_wait_s`"),
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
    line = f"3 of 10 judged; 7 left: {outcomes[3].error}; rerun to continue"
    assert shortfall(outcomes) == line


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


def test_retry_after_values() -> None:
    now = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
    date = "Mon, 23 Nov 2026 12:00:30 GMT"
    assert retry_after({"retry-after": date}, now) == 30
    assert retry_after({"retry-after": date.replace("GMT", "-0000")}, now) == 30
    assert retry_after({"retry-after": "Mon, 23 Nov 2026 11:00:00 GMT"}, now) == 0
    assert retry_after({"retry-after": "1.5", "retry-after-ms": "200"}, now) == 0.2
    for nonsense in ("", "-5", "nan", "inf", "soon", "Mon, 99 Nov 2026 12:00:30 GMT"):
        assert retry_after({"retry-after": nonsense}, now) == 0
    assert retry_after({}, now) == 0


def test_connection_refused(store: Store) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        judge = endpoint(f"http://127.0.0.1:{free.getsockname()[1]}/v1")
        (outcome,) = ask(judge, questions(1), store)
    assert outcome.attempts == 3
    assert "ConnectError" in outcome.error
    assert store.get(outcome.key) is None


@pytest.mark.parametrize("fault", ["silence", "slow drip"])
def test_no_whole_reply_in_time(fault: str, store: Store) -> None:
    # The drip's bytes come each in time: only a deadline for the whole reply ends it.
    slow = GOOD._replace(delay=2) if fault == "silence" else GOOD._replace(drip=0.05)
    with JudgeServer([slow]) as server:
        outcome = ask_one(server, store, timeout_s=0.3, max_attempts=2)
    assert outcome.attempts == 2
    assert outcome.error == "no whole reply within 0.3 s (after 2 attempts)"


@pytest.mark.parametrize(
    ("reply", "text", "finish_reason"),
    [
        (completion("so far", "length"), "so far", "length"),
        (completion("", "length"), "", "length"),
        (completion("I cannot rate this.", "content_filter"), "I cannot rate", "content_filter"),
        (completion(None, refusal="I'm sorry."), "I'm sorry.", "refusal"),
    ],
)
def test_a_short_or_refused_answer_is_an_answer(
    reply: Reply, text: str, finish_reason: str, store: Store
) -> None:
    with JudgeServer([reply]) as server:
        outcome = ask_one(server, store)
    assert outcome.attempts == 1
    assert outcome.answer is not None
    assert outcome.answer.text.startswith(text)
    assert outcome.answer.finish_reason == finish_reason


def test_bare_reply_of_a_small_server_is_enough() -> None:
    answer = read_answer(b'{"choices": [{"message": {"content": "[[7]]"}}], "usage": null}')
    assert answer[:6] == ("[[7]]", "", "", None, None, "")


def test_server_that_is_down_is_given_up_soon(store: Store) -> None:
    with JudgeServer([error(500)]) as server:
        outcomes = ask(endpoint(server.url, concurrency=2), questions(100), store)
        assert len(server.bodies) <= 3 * (GIVE_UP_AFTER + 1)
    assert "0 of 100 judged; 100 left: HTTP 500: scripted" in str(shortfall(outcomes))


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
    path = tmp_path / "judge.sqlite"
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


def test_a_store_that_cannot_be_written_ends_the_run(tmp_path: Path) -> None:
    path = tmp_path / "judge.sqlite"
    with JudgeServer([GOOD]) as server, Store(path) as store:
        store._connection.execute("PRAGMA query_only = 1")
        with pytest.raises(UserError, match=r"judge\.sqlite: .*readonly"):
            ask(endpoint(server.url, concurrency=2), questions(50), store)
        assert len(server.bodies) <= 4


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


TEXTS = [
    "\0",
    "\x1b[31m\x07\r\n",
    "\u202eevil",
    "<script>&amp;</script>",
    "x" * 1_000_000,
    "é😀\ufeff",
]


def test_any_text_goes_there_and_back(store: Store) -> None:
    requests = [Request([{"role": "user", "content": text}]) for text in TEXTS]
    with JudgeServer(lambda body, _: completion(body["messages"][0]["content"])) as server:
        outcomes = ask(endpoint(server.url), requests, store)
        assert sorted(server.seen) == sorted(TEXTS)
    assert [outcome.answer and outcome.answer.text for outcome in outcomes] == TEXTS
    assert [store.get(outcome.key) for outcome in outcomes] == [o.answer for o in outcomes]


def test_lone_surrogates_become_replacement_characters(store: Store) -> None:
    request = Request([{"role": "user", "content": "a\ud800b"}])
    with JudgeServer([Reply(completion("x\udfffy").body, headers=JSON)]) as server:
        (outcome,) = ask(endpoint(server.url), [request], store)
        assert list(server.seen) == ["a\ufffdb"]
    assert outcome.answer is not None
    assert outcome.answer.text == "x\ufffdy"


@given(st.text(st.characters()))
@example("\ufeff")
@example("\ud83d\ude00")
def test_encodable(text: str) -> None:
    clean = encodable(text)
    clean.encode()
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert clean == text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"base_url": "127.0.0.1:8000/v1"}, "http://"),
        ({"base_url": f"http://user:{CANARY}@127.0.0.1/v1"}, "api_key_env"),
        ({"base_url": f"http://127.0.0.1/v1?key={CANARY}"}, "api_key_env"),
        ({"api_key_env": CANARY}, "name of an environment variable"),
        ({"api_key_env": "ASFT_TEST_UNSET"}, "ASFT_TEST_UNSET is not set"),
        ({"parameters": {"stream": True}}, "stream"),
    ],
)
def test_bad_endpoint_is_refused_without_showing_secrets(
    change: dict[str, Any], words: str, store: Store
) -> None:
    judge = endpoint("http://127.0.0.1:1/v1").model_copy(update=change)
    with pytest.raises(UserError, match=words) as caught:
        ask(judge, questions(1), store)
    assert CANARY not in str(caught.value)


def test_nothing_but_the_named_key_comes_from_the_environment(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID", "WEBHOOK_SECRET"):
        monkeypatch.setenv(f"OPENAI_{name}", CANARY)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"Authorization: Bearer {CANARY}\nX-Own: {CANARY}")
    monkeypatch.setenv("JUDGE_KEY", " the-named-key\n")  # as `export JUDGE_KEY=$(cat file)` may
    with JudgeServer([GOOD]) as server:
        ask(endpoint(server.url), questions(1), store)
        ask(endpoint(server.url, api_key_env="JUDGE_KEY"), questions(1, "other"), store)
        first, second = server.headers
    assert CANARY not in json.dumps(server.headers)
    assert first["authorization"] == "Bearer none"
    assert second["authorization"] == "Bearer the-named-key"
    assert not [name for name in first if name.startswith("openai-")]


def test_scrubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", CANARY)
    assert scrubbed(f"key {CANARY}!", "JUDGE_KEY") == "key ***"
    assert scrubbed("key sk-ca*******Lp8r.", "JUDGE_KEY") == "key ***"
    assert "canary" not in scrubbed(" " * 990 + CANARY, "JUDGE_KEY")
    assert len(scrubbed("x" * 10_000_000, None)) < 300


KILLED = """
import sys
from asft.generation.endpoint.ask import ask
from asft.generation.endpoint.store import Store
sys.path[:0] = ["tests", "tests/faults"]
from test_judge_faults import endpoint, questions
ask(endpoint(sys.argv[1], concurrency=4), questions(60), Store(sys.argv[2]))
"""


def test_kill_in_the_middle_repeats_no_stored_call(tmp_path: Path) -> None:
    path = tmp_path / "judge.sqlite"
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


# Each line is one scenario: the model's name is the script's.
CANARY_RUN = """
import json, logging, os, sys, traceback
logging.basicConfig(level=logging.DEBUG, handlers=[
    logging.StreamHandler(), logging.FileHandler(sys.argv[3])])
from asft.generation.endpoint.ask import ask, shortfall
from asft.errors import UserError
from asft.generation.endpoint.store import Store
sys.path[:0] = ["tests", "tests/faults"]
from test_judge_faults import endpoint, questions

def show(error):
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    print("".join(shown.format(chain=True)), file=sys.stderr)

url, store = sys.argv[1], Store(sys.argv[2])
for model in sys.argv[4:]:
    for attempts in (1, 2):
        judge = endpoint(url, model=model, max_attempts=attempts, timeout_s=0.3,
                         api_key_env="JUDGE_KEY")
        try:
            outcomes = ask(judge, questions(2), store)
            print(model, outcomes, judge)
            if missing := shortfall(outcomes):
                raise UserError(missing)
        except UserError as error:
            show(error)
os.environ["JUDGE_KEY"] += "\\nX-More: 1"
try:
    ask(judge, questions(1, "more"), store)
except UserError as error:
    show(error)
store.get("")
os.kill(os.getpid(), 9)  # the log file of the store stays for the test to read
"""


def _echoes() -> dict[str, Reply]:
    """Every fault, with the key echoed wherever a server can put it."""
    masked = f"Incorrect API key provided: {CANARY[:8]}********{CANARY[-4:]}. Find your key at …"
    replies = {"success": GOOD, "masked": error(401, masked), "hang": GOOD._replace(delay=1)}
    for status in (400, 401, 403, 404, 429, 500):
        replies[f"echo {status}"] = error(status, f"Bearer {CANARY} is not welcome", CANARY)
    replies["quota"] = error(429, f"{CANARY} has no quota", "insufficient_quota")
    replies["long wait"] = error(429, f"{CANARY} waits", Retry_After="600")
    replies["echo page"] = Reply(f"<p>{CANARY}</p>".encode(), 502, (("Content-Type", "text/html"),))
    replies["echo junk"] = Reply(f"{{{CANARY}".encode(), headers=JSON)
    replies["echo object"] = Reply(json.dumps({"error": CANARY}).encode(), headers=JSON)
    replies["reset"] = Reply(CANARY.encode() * 9, reset_after=100)
    replies["null"] = completion(None)
    return replies


def test_key_is_in_no_file_log_or_traceback(tmp_path: Path) -> None:
    replies = _echoes()
    with JudgeServer(lambda body, _: replies[body["model"]]) as server:
        log = tmp_path / "run.log"
        command = [sys.executable, "-c", CANARY_RUN, server.url]
        command += [str(tmp_path / "judge.sqlite"), str(log), *replies]
        environment = {**os.environ, "JUDGE_KEY": CANARY, "OPENAI_LOG": "debug"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
        authorised = {header.get("authorization") for header in server.headers}
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]
    assert authorised == {f"Bearer {CANARY}"}  # it was really sent
    assert done.stderr.count(b"UserError") >= len(replies)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"judge.sqlite", "judge.sqlite-wal", "run.log"}
    places = {"stdout": done.stdout, "stderr": done.stderr}
    places |= {path.name: path.read_bytes() for path in files}
    for name, content in places.items():
        for piece in (CANARY, CANARY[:8], CANARY[-4:]):
            assert piece.encode() not in content, name


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
