"""A limit of cost: how many calls a real server gets, and what a rerun with a larger one asks."""

import json
from pathlib import Path
from typing import Any

import pytest
from judge_calls import JSON, endpoint, questions
from judge_server import JudgeServer, Reply, completion, error

from asft.config import Prices
from asft.generation.endpoint.ask import ask
from asft.generation.endpoint.client import CostLimit, Endpoint
from asft.generation.endpoint.outcomes import is_finished, shortfall
from asft.generation.endpoint.store import Store, call_key, describe_call

CALL = 11 * 2 + 3 * 8  # millionths of a USD: the server's replies take 11 tokens and 3
PRICES = Prices(input=2, output=8)


def limited(url: str, calls: float, **settings: Any) -> Endpoint:
    limit = CostLimit(usd=calls * CALL / 1e6, prices=PRICES)
    return endpoint(url, **{"cost_limit": limit, "concurrency": 4, **settings})


@pytest.mark.parametrize(("calls", "answered"), [(5.5, 5), (5, 5), (0.1, 1), (10, 10)])
def test_no_call_is_sent_that_would_pass_the_limit(
    tmp_path: Path, calls: float, answered: int
) -> None:
    with JudgeServer() as server, Store(tmp_path / "answers") as store:
        outcomes = ask(limited(server.url, calls), questions(10), store)
        assert len(server.bodies) == answered
        assert [o.state for o in outcomes].count("answer") == answered
        assert is_finished(outcomes) == (answered == 10)
        again = ask(limited(server.url, calls), questions(10), store)
        assert len(server.bodies) == answered
        assert shortfall(again) == shortfall(outcomes)
        assert not shortfall(ask(limited(server.url, 10), questions(10), store))
        assert len(server.bodies) == 10


def test_the_error_says_what_was_spent_and_what_to_do(tmp_path: Path) -> None:
    with JudgeServer() as server, Store(tmp_path / "answers") as store:
        outcomes = ask(limited(server.url, 2.5), questions(10), store)
    assert shortfall(outcomes) == (
        "2 of 10 judged; 8 left, 8 of them not asked: judge gpt-4: another call would pass"
        f" `max_cost` 0.00012 USD: 0.000092 USD are spent on 2 answers in {tmp_path}/answers,"
        " 0.000046 USD each; raise `max_cost` to go on; rerun to continue"
    )


def test_answers_of_other_jobs_and_of_this_model_alone_count(tmp_path: Path) -> None:
    def script(body: dict[str, Any], before: int) -> Reply:
        if len(server.bodies) == 2:  # meanwhile another job, and another judge
            with Store(tmp_path / "answers") as theirs:
                for model, count in (("gpt-4", 3), ("gpt-4o", 30)):
                    for request in questions(count, f"another of {model}"):
                        call = describe_call(server.url, model, request.messages, {})
                        theirs.put(call_key(**call), call, kept)
        return completion()

    with JudgeServer(script) as server, Store(tmp_path / "answers") as store:
        [first] = ask(limited(server.url, 6), questions(1), store)
        assert first.answer
        kept = first.answer
        outcomes = ask(limited(server.url, 6, concurrency=1), questions(10), store)
        assert [o.state for o in outcomes].count("answer") == 3
        assert len(server.bodies) == 3


def test_a_server_that_does_not_count_is_asked_once(tmp_path: Path) -> None:
    reply = json.loads(completion().body)
    del reply["usage"]
    with (
        JudgeServer([Reply(json.dumps(reply).encode(), headers=JSON)]) as server,
        Store(tmp_path / "answers") as store,
    ):
        outcomes = ask(limited(server.url, 5), questions(10), store)
        assert len(server.bodies) == 1
        assert [o.state for o in outcomes].count("answer") == 1  # it is kept
        assert "`max_cost` cannot be kept; remove it" in (shortfall(outcomes) or "")
        assert not shortfall(ask(endpoint(server.url), questions(10), store))
        assert len(server.bodies) == 10


def test_calls_that_failed_leave_their_place(tmp_path: Path) -> None:
    with (
        JudgeServer([error(500), error(503), completion()]) as server,
        Store(tmp_path / "answers") as store,
    ):
        outcomes = ask(limited(server.url, 6), questions(10), store)
    assert [o.state for o in outcomes].count("answer") == 6
