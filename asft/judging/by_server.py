"""A judge behind an OpenAI-compatible server: its calls, and the verdicts in what it says."""

import logging
import sys
from collections.abc import Sequence
from typing import Any

from asft.config import Judge
from asft.errors import UserError
from asft.generation import (
    CostLimit,
    Endpoint,
    Outcome,
    Reply,
    Request,
    Store,
    ask,
    is_finished,
    shortfall,
)
from asft.judging.calls import Call
from asft.judging.prices import Spent, taken
from asft.judging.protocols import judging_of, verdict_of
from asft.records import Message, Verdict

# How a verdict begins that upstream's own parse reads otherwise.
UPSTREAM = "upstream's parse, which reads the thinking too:"
log = logging.getLogger(__name__)


def judge_by_server(protocol: str, calls: list[Call], judge: Judge, store: Store) -> list[Verdict]:
    """Ask what the store does not hold, and read the verdicts.

    Raises:
        UserError: the run was stopped before each call was asked, or more calls than `max_missing`
            were asked and have no answer; what came is stored.
    """
    endpoint = endpoint_of(judge)
    _warn_of_left_out(judge, endpoint)
    spent = Spent(judge)
    told: dict[str, Any] = {"on_done": spent.add, "facts": spent.facts}
    first = ask(endpoint, [Request(c.messages, c.repeat) for c in calls], store, **told)
    outcomes = [[outcome] for outcome in first]
    again = _second_questions(protocol, calls, first, judge) if is_finished(first) else {}
    requests = [Request(messages, calls[number].repeat) for number, messages in again.items()]
    second = ask(endpoint, requests, store, proven=True, **told)
    for number, outcome in zip(again, second, strict=True):
        outcomes[number].append(outcome)
    _refuse_missing([outcome for each in outcomes for outcome in each], len(calls), judge)
    answers = [outcome.answer for each in outcomes for outcome in each if outcome.answer]
    print(f"judge {judge.model}: {taken(judge, answers)}", file=sys.stderr, flush=True)
    read = [_read(protocol, *pair, judge) for pair in zip(calls, outcomes, strict=True)]
    _warn_of_thinking(read, judge)
    return read


def endpoint_of(judge: Judge) -> Endpoint:
    """Return the server of a judge, and how it is called."""
    prices = judge.known_prices()
    limit = CostLimit(usd=judge.max_cost, prices=prices) if judge.max_cost and prices else None
    return Endpoint(
        base_url=judge.base_url,
        model=judge.model,
        api_key_env=judge.api_key_env,
        headers_env=judge.headers_env,
        parameters=judge.parameters,
        concurrency=judge.concurrency,
        timeout_s=judge.timeout_s,
        max_attempts=judge.max_attempts,
        max_wait_s=judge.max_wait_s,
        backoff_s=judge.backoff_s,
        cost_limit=limit,
    )


def _warn_of_left_out(judge: Judge, endpoint: Endpoint) -> None:
    given = {name for name, value in judge.parameters.items() if value is not None}
    if left_out := sorted(given - endpoint.parameters.keys()):
        log.warning(
            "judge %s: not sent, since this model refuses it: %s; null in `parameters` says so too",
            *(judge.model, ", ".join(left_out)),
        )


def _second_questions(
    protocol: str, calls: Sequence[Call], first: Sequence[Outcome], judge: Judge
) -> dict[int, list[Message]]:
    """What to ask after a first reply, by the call's number; nothing after one without words."""
    go_on = judging_of(protocol).go_on
    return {
        number: messages
        for number, (call, outcome) in enumerate(zip(calls, first, strict=True))
        if go_on and outcome.answer and outcome.answer.text.strip()
        if (messages := go_on(call.messages, *_seen([outcome.answer], judge)))
    }


def _refuse_missing(outcomes: Sequence[Outcome], calls: int, judge: Judge) -> None:
    missing = sum(outcome.answer is None for outcome in outcomes)
    finished = is_finished(outcomes)
    if not finished or missing > judge.max_missing * calls:
        tolerated = "; `max_missing` would go on without them" if finished else ""
        raise UserError(f"{shortfall(outcomes)}{tolerated}")


def _read(protocol: str, call: Call, outcomes: Sequence[Outcome], judge: Judge) -> Verdict:
    """The verdict in a judge's words; without one, a reply that was cut off is `truncated`."""
    answers = [outcome.answer for outcome in outcomes if outcome.answer]
    if len(answers) < len(outcomes):
        return call.verdict("api_error", detail=outcomes[-1].error)
    read, last, details = judging_of(protocol).read, answers[-1], []
    status, value = read(_seen(answers, judge), judge.protocol)
    cut_off = last.state == "truncated"
    behind = read([answer.text for answer in answers], judge.protocol)
    if behind != (status, value):
        details.append(f"{UPSTREAM} {_named(status, value)}; behind it: {_named(*behind)}")
    if cut_off and (status == "no_verdict" or not last.text):
        status, value = "truncated", None
    if status in ("no_verdict", "truncated") and last.ending not in ("stop", ""):
        details.append(f"finish_reason {last.finish_reason}")
    about = {
        "judgments": [answer.text for answer in answers],
        "thinking": [answer.thinking for answer in answers],
        "keys": [outcome.key for outcome in outcomes],
        "model": last.model,
        "detail": "; ".join(details),
    }
    return call.verdict(status, **{verdict_of(protocol): value}, **about)


def _seen(answers: Sequence[Reply], judge: Judge) -> list[str]:
    """What verdicts are read in: upstream knows no thinking, and reads all that was sent."""
    upstream = judge.protocol == "paper" and not judge.behind_thinking
    return [answer.content if upstream else answer.text for answer in answers]


def _named(status: str, value: object) -> str:
    return f"{value}" if status == "ok" else status


def _warn_of_thinking(verdicts: Sequence[Verdict], judge: Judge) -> None:
    differing = sum(UPSTREAM in verdict.detail for verdict in verdicts)
    if differing:
        log.warning(
            "judge %s: it thinks aloud, and %d of %d verdicts are read in its thinking, as upstream"
            " would; `behind_thinking: true` reads behind it",
            *(judge.model, differing, len(verdicts)),
        )
