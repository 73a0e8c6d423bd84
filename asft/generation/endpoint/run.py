"""One run of calls to one server: retries, waits that all calls share, and when to stop.

A fault that no retry can fix stops the run. So do three calls in a row that used up their attempts,
and two calls that were refused, for a reason that nobody knows, before any was answered.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import cast

import openai
from tenacity import AsyncRetrying, RetryCallState, stop_after_attempt, wait_random_exponential

from asft.generation.endpoint.client import Endpoint
from asft.generation.endpoint.faults import Fault
from asft.generation.endpoint.outcomes import Outcome, Request, State, answered, described
from asft.generation.endpoint.send import send
from asft.generation.endpoint.store import Reply, Store

# After this many calls in a row that used up their attempts, with no answer between, the server is
# taken to be down. More than one: a single poisonous question must not stop the others for ever.
GIVE_UP_AFTER = 3
# After this many refused calls before any answer, the settings are taken to be wrong: the first
# alone may be the one bad question.
REFUSED_AT_FIRST = 2
# Seconds until a call that another job was asking is looked at again.
LOOK_AGAIN_S = 0.5
log = logging.getLogger(__name__)
OnDone = Callable[[Outcome], None]


class Run:
    """The calls of one `ask_all`, and what they know of the server together."""

    def __init__(
        self,
        endpoint: Endpoint,
        store: Store,
        client: openai.AsyncOpenAI,
        done: OnDone,
        proven: bool,
    ) -> None:
        self.endpoint, self.store, self.client, self.done = endpoint, store, client, done
        self.slots = asyncio.Semaphore(endpoint.concurrency)
        self.stopped = asyncio.Event()
        self.reason = ""
        self.not_before = 0.0  # loop time: a server that asks for a pause gets it from all calls
        self.exhausted = 0  # calls in a row that used up their attempts
        self.proven = proven  # some call has been answered
        self.refusals: list[str] = []  # of calls before any was answered
        self.in_flight = 0
        self.waited = False  # for another job
        self.ended = asyncio.Condition()  # some call has come to its end

    async def ask(self, requests: dict[str, Request]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for key, request in requests.items():
                    group.create_task(self._one(key, request))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _one(self, key: str, request: Request) -> None:
        while (outcome := await self._tried(key, request)) is None:
            if not self.waited:
                log.warning("judge %s: waiting for what another job asks it", self.endpoint.model)
            self.waited = True
            await self._sleep(LOOK_AGAIN_S)  # without a slot: others may be asked meanwhile
        self.done(outcome)

    async def _tried(self, key: str, request: Request) -> Outcome | None:
        """The outcome of a call; None if another job is asking it."""
        async with self.slots:
            if not await self._begin():
                return Outcome(key, None, self.reason, state="not_asked")
            try:
                if await asyncio.to_thread(self.store.claim, key):
                    outcome = await self._outcome(key, request)
                    # Not after an error: the answer may still be on its way to the disk.
                    await asyncio.to_thread(self.store.release, key)
                    return outcome
                answer = await asyncio.to_thread(self.store.get, key)
                self.proven = self.proven or bool(answer)
                return answered(key, answer) if answer else None
            finally:
                await self._end()

    async def _outcome(self, key: str, request: Request) -> Outcome:
        attempts = 0

        async def attempt() -> Reply:
            nonlocal attempts
            await self._pause()
            attempts += 1
            return await send(self.client, self.endpoint, request.messages)

        try:
            answer: Reply = await self._retrying()(attempt)
        except Fault as fault:
            error, state = self._given_up(fault)
            return Outcome(key, None, error, attempts, state if attempts else "not_asked")
        self.exhausted, self.proven = 0, True
        # Within the slot: a slow disk slows the asking, it does not pile up unsaved answers.
        await asyncio.to_thread(self.store.put, key, described(self.endpoint, request), answer)
        return answered(key, answer, attempts)

    async def _begin(self) -> bool:
        """Tell whether a call may be sent, once that is known.

        After a refusal before any answer, those in flight show whether it is about all calls; if
        there are none, one call more does.
        """
        async with self.ended:
            await self.ended.wait_for(
                lambda: not self.refusals or self.proven or self._stopped() or not self.in_flight
            )
            self.in_flight += not self._stopped()
            return not self._stopped()

    async def _end(self) -> None:
        async with self.ended:
            self.in_flight -= 1
            if len(self.refusals) >= REFUSED_AT_FIRST and not self.proven and not self.in_flight:
                self._stop(self.refusals[0])
            self.ended.notify_all()

    def _retrying(self) -> AsyncRetrying:
        backoff = wait_random_exponential(self.endpoint.backoff_s, self.endpoint.max_wait_s)

        def wait(state: RetryCallState) -> float:
            return max(backoff(state), _fault(state).wait)

        def heals(state: RetryCallState) -> bool:
            error = state.outcome and state.outcome.exception()
            return isinstance(error, Fault) and error.state == "passing" and not self._stopped()

        return AsyncRetrying(
            retry=heals,
            stop=stop_after_attempt(self.endpoint.max_attempts),
            wait=wait,
            sleep=self._sleep,
            before_sleep=self._note,
            reraise=True,
        )

    def _note(self, state: RetryCallState) -> None:
        fault = _fault(state)
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
        while (left := self.not_before - loop.time()) > 0 and not self._stopped():
            await self._sleep(left)
        if self._stopped():
            raise Fault(self.reason, "fatal")

    def _given_up(self, fault: Fault) -> tuple[str, State]:
        """The outcome's error and state; also whether the others may go on."""
        error, state = str(fault), fault.state
        if state == "passing" and not self._stopped():
            self.exhausted += 1
            error = f"{error} (after {self.endpoint.max_attempts} attempts)"
            state = "fatal" if self.exhausted == GIVE_UP_AFTER else state
        elif state == "refused" and not self.proven:
            error = f"{error}; {fault.advice}"
            self.refusals.append(error)
        if state == "fatal":
            self._stop(error)
        return error, state

    def _stop(self, reason: str) -> None:
        self.reason = self.reason or reason
        self.stopped.set()

    def _stopped(self) -> bool:
        return self.stopped.is_set()


def _fault(state: RetryCallState) -> Fault:
    return cast(Fault, state.outcome and state.outcome.exception())
