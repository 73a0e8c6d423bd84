"""What was asked of a model, what became of it, and what is missing in the end."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from asft.generation.endpoint.client import Endpoint
from asft.generation.endpoint.faults import FaultState
from asft.generation.endpoint.store import Reply, ReplyState, describe_call
from asft.records import Message

State = ReplyState | FaultState | Literal["not_asked"]
# No rerun at the same server and settings would answer these.
FOR_GOOD = ("moderated", "too_long", "refused")


class Request(NamedTuple):
    """One question to the model, as messages."""

    messages: list[Message]
    repeat: int = 0


class Outcome(NamedTuple):
    """The outcome of one request. Without an answer, `error` says why and `state` which kind."""

    key: str  # of the answer in the store
    answer: Reply | None
    error: str = ""
    attempts: int = 0  # requests sent; 0: from the store, or never asked
    state: State = "answer"


def described(endpoint: Endpoint, request: Request) -> dict[str, Any]:
    """Return a request as the store keeps it."""
    return describe_call(
        endpoint.base_url, endpoint.model, request.messages, endpoint.parameters, request.repeat
    )


def answered(key: str, answer: Reply, attempts: int = 0) -> Outcome:
    """Return the outcome of a request that has its answer."""
    return Outcome(key, answer, attempts=attempts, state=answer.state)


def is_finished(outcomes: Sequence[Outcome]) -> bool:
    """Tell whether each request was asked, at a server that answers at all.

    A run that was stopped is not finished, however few answers it lacks: a call that was never
    asked is another thing than one that has no answer.
    """
    if any(outcome.state in ("fatal", "not_asked") for outcome in outcomes):
        return False
    unknown = any(outcome.state in ("refused", "passing") for outcome in outcomes)
    return not unknown or any(outcome.answer for outcome in outcomes)


def shortfall(outcomes: Sequence[Outcome], done: str = "judged") -> str | None:
    """Say in one line what is missing and why; None if every request has its answer.

    Args:
        done: what has been done to those that have theirs.
    """
    missing = [outcome for outcome in outcomes if outcome.answer is None]
    if not missing:
        return None
    # Never asked: that says nothing new beside the reason for which the run stopped.
    reasons = Counter(outcome.error for outcome in missing)
    more = f" (one of {len(reasons)} reasons)" if len(reasons) > 1 else ""
    unasked = sum(outcome.state == "not_asked" for outcome in missing)
    left = f"{len(missing)} left" + (f", {unasked} of them not asked" if unasked else "")
    healing = any(outcome.state not in FOR_GOOD for outcome in missing)
    advice = "rerun to continue" if healing else "a rerun would not change that"
    return (
        f"{len(outcomes) - len(missing)} of {len(outcomes)} {done}; {left}: "
        f"{reasons.most_common(1)[0][0]}{more}; {advice}"
    )
