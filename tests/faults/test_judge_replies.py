"""What becomes of one reply of a judge, against a real server: an answer, another try, a line."""

import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from judge_calls import GOOD, JSON, endpoint, questions
from judge_server import JudgeServer, Reply, completion, error
from judge_store import stored_request

from asft.generation.endpoint.ask import Outcome, Request, ask
from asft.generation.endpoint.replies import read_answer
from asft.generation.endpoint.scrubbing import encodable
from asft.generation.endpoint.store import Store, call_key


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
    body = b'{"choices": [{"message": {"content": "[[7]]"}}], "usage": null}'
    answer = read_answer(body, endpoint("http://127.0.0.1/v1"))
    assert answer[:6] == ("[[7]]", "", "", None, None, "")


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
