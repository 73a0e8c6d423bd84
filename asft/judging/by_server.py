"""A judge behind an OpenAI-compatible server: its calls, and the verdicts in what it says."""

import logging
from collections.abc import Sequence

from asft.config import PROTOCOLS, Judge
from asft.errors import UserError
from asft.generation import Endpoint, Outcome, Request, Store, ask, is_finished, shortfall
from asft.judging.calls import Call
from asft.judging.protocols import JUDGING
from asft.records import Message, Verdict

log = logging.getLogger(__name__)


def judge_by_server(protocol: str, calls: list[Call], judge: Judge, store: Store) -> list[Verdict]:
    """Ask what the store does not hold, and read the verdicts.

    Raises:
        UserError: the run was stopped before each call was asked, or more calls than `max_missing`
            were asked and have no answer; what came is stored.
    """
    endpoint = _endpoint(judge)
    first = ask(endpoint, [Request(c.messages, c.repeat) for c in calls], store)
    outcomes = [[outcome] for outcome in first]
    again = _second_questions(protocol, calls, first) if is_finished(first) else {}
    requests = [Request(messages, calls[number].repeat) for number, messages in again.items()]
    second = ask(endpoint, requests, store, proven=True)
    for number, outcome in zip(again, second, strict=True):
        outcomes[number].append(outcome)
    _refuse_missing([outcome for each in outcomes for outcome in each], len(calls), judge)
    return [_read(protocol, call, each, judge) for call, each in zip(calls, outcomes, strict=True)]


def _endpoint(judge: Judge) -> Endpoint:
    endpoint = Endpoint(
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
    )
    given = {name for name, value in judge.parameters.items() if value is not None}
    if left_out := sorted(given - endpoint.parameters.keys()):
        log.warning(
            "judge %s: not sent, since this model refuses it: %s; null in `parameters` says so too",
            *(judge.model, ", ".join(left_out)),
        )
    return endpoint


def _second_questions(
    protocol: str, calls: Sequence[Call], first: Sequence[Outcome]
) -> dict[int, list[Message]]:
    """What to ask after a first reply, by the call's number; nothing after one without words."""
    go_on = JUDGING[protocol].go_on
    return {
        number: messages
        for number, (call, outcome) in enumerate(zip(calls, first, strict=True))
        if go_on and outcome.answer and outcome.answer.text.strip()
        if (messages := go_on(call.messages, outcome.answer.text))
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
    texts = [answer.text for answer in answers]
    status, value = JUDGING[protocol].read(texts, judge.protocol)
    last, detail = answers[-1], ""
    if status == "no_verdict":
        status = "truncated" if last.state == "truncated" else status
        detail = "" if last.ending in ("stop", "") else f"finish_reason {last.finish_reason}"
    keys = [outcome.key for outcome in outcomes]
    about = {"judgments": texts, "keys": keys, "model": last.model, "detail": detail}
    return call.verdict(status, **{PROTOCOLS[protocol].verdict: value}, **about)
