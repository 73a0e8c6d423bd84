"""Ask a model behind an OpenAI-compatible server: many calls at once, each paid for once.

Reads and writes the store of answers; sends only what is missing there. The API key is read from
the environment variable that the endpoint names, and from nowhere else. What cannot be written as
UTF-8 (a lone surrogate) is sent as U+FFFD.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, cast

import openai
from tenacity import AsyncRetrying, RetryCallState, stop_after_attempt, wait_random_exponential
from tqdm import tqdm

from asft.generation.endpoint.client import Endpoint, check, open_client
from asft.generation.endpoint.replies import (
    FatalFault,
    Fault,
    PassingFault,
    encodable,
    fault_of,
    read_answer,
)
from asft.generation.endpoint.store import Reply, Store, call_key, describe_call
from asft.records import Message

# After this many calls in a row that used up their attempts, with no answer between, the server is
# taken to be down. More than one: a single poisonous question must not stop the others for ever.
GIVE_UP_AFTER = 3
__all__ = ["Endpoint", "Outcome", "Request", "ask", "ask_all", "shortfall"]
log = logging.getLogger(__name__)


class Request(NamedTuple):
    """One question to the model, as messages."""

    messages: list[Message]
    repeat: int = 0


class Outcome(NamedTuple):
    """The outcome of one request. Without an answer, `error` says why."""

    key: str  # of the answer in the store
    answer: Reply | None
    error: str = ""
    attempts: int = 0  # requests sent; 0: from the store, or never asked


OnDone = Callable[[Outcome], None]


def ask(
    endpoint: Endpoint, requests: Sequence[Request], store: Store, on_done: OnDone | None = None
) -> list[Outcome]:
    """Run `ask_all` for a caller that is not asynchronous."""
    return asyncio.run(ask_all(endpoint, requests, store, on_done))


async def ask_all(
    endpoint: Endpoint, requests: Sequence[Request], store: Store, on_done: OnDone | None = None
) -> list[Outcome]:
    """Answer requests from the store, and from the server what the store lacks.

    Equal requests are asked once. A read-only store means replay: nothing is sent, no key needed.
    A fault that no retry can fix stops the run: calls in flight are finished and stored, the
    others' outcomes have no answer.

    Args:
        on_done: called once for each different request, when its outcome is known.

    Returns:
        The outcomes in the order of the requests.

    Raises:
        UserError: the endpoint is badly set up, its key is missing, or the store cannot be used.
    """
    check(endpoint)
    keys = [_key(endpoint, request) for request in requests]
    different = dict(zip(keys, requests, strict=True))
    outcomes: dict[str, Outcome] = {}
    with tqdm(total=len(different), desc=f"judge {endpoint.model}", disable=None) as bar:

        def done(outcome: Outcome) -> None:
            outcomes[outcome.key] = outcome
            bar.update()
            if on_done:
                on_done(outcome)

        for key in different:
            if answer := store.get(key):
                done(Outcome(key, answer))
            elif store.read_only:
                done(Outcome(key, None, f"not in {store.path}, which is only read"))
        missing = {key: request for key, request in different.items() if key not in outcomes}
        if missing:
            async with open_client(endpoint) as client:
                await _Run(endpoint, store, client, done).ask(missing)
    return [outcomes[key] for key in keys]


def shortfall(outcomes: Sequence[Outcome]) -> str | None:
    """Say in one line what is missing and why; None if every request has its answer."""
    missing = [outcome for outcome in outcomes if outcome.answer is None]
    if not missing:
        return None
    reasons = Counter(outcome.error for outcome in missing)
    more = f" (one of {len(reasons)} reasons)" if len(reasons) > 1 else ""
    return (
        f"{len(outcomes) - len(missing)} of {len(outcomes)} judged; {len(missing)} left: "
        f"{reasons.most_common(1)[0][0]}{more}; rerun to continue"
    )


class _Run:
    """The calls of one `ask_all`, and what they know of the server together."""

    def __init__(
        self, endpoint: Endpoint, store: Store, client: openai.AsyncOpenAI, done: OnDone
    ) -> None:
        self.endpoint, self.store, self.client, self.done = endpoint, store, client, done
        self.slots = asyncio.Semaphore(endpoint.concurrency)
        self.stopped = asyncio.Event()
        self.reason = ""
        self.not_before = 0.0  # loop time: a server that asks for a pause gets it from all calls
        self.exhausted = 0  # calls in a row that used up their attempts

    async def ask(self, requests: dict[str, Request]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for key, request in requests.items():
                    group.create_task(self._one(key, request))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _one(self, key: str, request: Request) -> None:
        attempts = 0

        async def attempt() -> Reply:
            nonlocal attempts
            await self._pause()
            attempts += 1
            return await self._send(request.messages)

        async with self.slots:
            try:
                answer: Reply = await self._retrying()(attempt)
            except Fault as fault:
                self.done(Outcome(key, None, self._given_up(fault), attempts))
                return
            self.exhausted = 0
            # Within the slot: a slow disk slows the asking, it does not pile up unsaved answers.
            await asyncio.to_thread(self.store.put, key, _described(self.endpoint, request), answer)
        self.done(Outcome(key, answer, attempts=attempts))

    async def _send(self, messages: list[Message]) -> Reply:
        sent = [{**message, "content": encodable(message["content"])} for message in messages]
        try:
            async with asyncio.timeout(self.endpoint.timeout_s):
                reply = await self.client.chat.completions.with_raw_response.create(
                    model=self.endpoint.model,
                    messages=cast(Any, sent),
                    extra_body=self.endpoint.parameters,
                )
        except TimeoutError:
            fault: Fault = PassingFault(f"no whole reply within {self.endpoint.timeout_s:g} s")
        except openai.APIError as error:
            fault = fault_of(error, self.endpoint)
        else:
            return read_answer(reply.content, self.endpoint.api_key_env)
        # Raised out here so that it does not carry the client's error, which holds the headers.
        raise fault

    def _retrying(self) -> AsyncRetrying:
        backoff = wait_random_exponential(self.endpoint.backoff_s, self.endpoint.max_wait_s)

        def wait(state: RetryCallState) -> float:
            return max(backoff(state), _passing(state).wait)

        def heals(state: RetryCallState) -> bool:
            error = state.outcome and state.outcome.exception()
            return isinstance(error, PassingFault) and not self.stopped.is_set()

        return AsyncRetrying(
            retry=heals,
            stop=stop_after_attempt(self.endpoint.max_attempts),
            wait=wait,
            sleep=self._sleep,
            before_sleep=self._note,
            reraise=True,
        )

    def _note(self, state: RetryCallState) -> None:
        fault = _passing(state)
        if fault.wait:
            now = asyncio.get_running_loop().time()
            self.not_before = max(self.not_before, now + fault.wait)
        log.warning(
            "judge %s: %s; attempt %d of %d, again in %.1f s",
            *(self.endpoint.model, fault, state.attempt_number, self.endpoint.max_attempts),
            state.upcoming_sleep,
        )

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopped.wait(), seconds)

    async def _pause(self) -> None:
        loop = asyncio.get_running_loop()
        while (left := self.not_before - loop.time()) > 0 and not self.stopped.is_set():
            await self._sleep(left)
        if self.stopped.is_set():
            raise FatalFault(self.reason)

    def _given_up(self, fault: Fault) -> str:
        """The outcome's error, and whether the others may go on."""
        error = str(fault)
        if isinstance(fault, PassingFault) and not self.stopped.is_set():
            self.exhausted += 1
            error = f"{error} (after {self.endpoint.max_attempts} attempts)"
        if isinstance(fault, FatalFault) or self.exhausted == GIVE_UP_AFTER:
            self.reason = self.reason or error
            self.stopped.set()
        return error


def _passing(state: RetryCallState) -> PassingFault:
    return cast(PassingFault, state.outcome and state.outcome.exception())


def _described(endpoint: Endpoint, request: Request) -> dict[str, Any]:
    return describe_call(
        endpoint.base_url, endpoint.model, request.messages, endpoint.parameters, request.repeat
    )


def _key(endpoint: Endpoint, request: Request) -> str:
    return call_key(**_described(endpoint, request))
