"""One run of calls to one server: retries, waits that all calls share, and when to stop.

A fault that no retry can fix stops the run. So do two calls that were refused, for a reason that
nobody knows, before any was answered. Where three calls in a row used up their attempts, the server
may be down, or it fails on these questions alone: it is asked others, once each and ever more
slowly, until one is answered; if none is, the run stops.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

import openai

from asft.generation.endpoint.budget import Budget
from asft.generation.endpoint.client import Endpoint
from asft.generation.endpoint.faults import Fault
from asft.generation.endpoint.outcomes import Outcome, Request, State, answered, described
from asft.generation.endpoint.probes import PROBES, probes
from asft.generation.endpoint.sending import send
from asft.generation.endpoint.store import Reply, Store
from asft.generation.endpoint.waits import Waits, retrying

# So many calls in a row used up their attempts: the server must show that it is not down.
DOUBT_AFTER = 3
# So many calls refused before any answer: the settings are wrong (one may be a bad question).
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
        known: Request | None,
        proven: bool,
    ) -> None:
        self.endpoint, self.store, self.client, self.done = endpoint, store, client, done
        self.left: dict[str, Request] = {}  # neither begun nor found
        self.sent: Counter[str] = Counter()  # requests, by key
        self.found: dict[str, Reply] = {}  # answers to calls that were asked before their turn
        self.slots = asyncio.Semaphore(endpoint.concurrency)
        self.waits = Waits()
        self.budget = Budget(endpoint, store, self.waits.stop)
        self.in_vain: list[str] = []  # errors of calls in a row that used up their attempts
        self.known = known  # some request that was answered, now or before
        self.proven = proven  # some call has been answered
        self.refusals: list[str] = []  # of calls before any was answered
        self.in_flight = 0
        self.waited = False  # for another job
        self.ended = asyncio.Condition()  # some call has come to its end

    async def ask(self, requests: dict[str, Request]) -> None:
        self.left = dict(requests)
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
            await self.waits.sleep(LOOK_AGAIN_S)  # without a slot: others may be asked meanwhile
        self.done(outcome)

    async def _tried(self, key: str, request: Request) -> Outcome | None:
        """The outcome of a call; None if another job is asking it."""
        async with self.slots:
            if not await self._begin():
                return Outcome(key, None, self.waits.reason, state="not_asked")
            try:
                self.left.pop(key, None)
                await self._prove()
                if key in self.found:
                    return answered(key, self.found.pop(key), self.sent[key])
                if await asyncio.to_thread(self.store.claim, key):
                    outcome = await self._outcome(key, request)
                    # Within the slot: a slow disk slows the asking, unsaved answers do not pile up.
                    await asyncio.to_thread(self._settle, key, request, outcome.answer)
                    return outcome
                answer = await asyncio.to_thread(self.store.get, key)
                self.proven = self.proven or bool(answer)
                return answered(key, answer) if answer else None
            finally:
                await self._end()

    async def _outcome(self, key: str, request: Request) -> Outcome:
        try:
            attempts = retrying(self.endpoint, self.waits)
            answer: Reply = await attempts(self._send, key, request)
        except Fault as fault:
            error, state = self._given_up(fault)
            state = state if self.sent[key] else "not_asked"
            return Outcome(key, None, error, self.sent[key], state)
        return answered(key, answer, self.sent[key])

    def _settle(self, key: str, request: Request, answer: Reply | None) -> None:
        """Keep what a claimed call brought, and let go of it."""
        if answer:
            self.store.put(key, described(self.endpoint, request), answer)
        # Not after an error: the answer may still be on its way to the disk.
        self.store.release(key)

    async def _prove(self) -> None:
        """After calls in vain, let the server show that it is not down; else stop the run."""
        if not self._in_doubt():
            return
        text = "judge %s: %d calls in a row without an answer: others show whether it is down"
        log.warning(text, self.endpoint.model, len(self.in_vain))
        for number, (key, request) in enumerate(probes(self.left, self.known)):
            wait = self.endpoint.backoff_s * 2**number
            await self.waits.sleep(min(wait, self.endpoint.max_wait_s))
            await self._probe(key, request)
            if not self.in_vain or self.waits.stopped():
                async with self.ended:
                    return self.ended.notify_all()
        self.waits.stop(self.in_vain[-1])

    async def _probe(self, key: str, request: Request) -> None:
        """Ask one call once and keep its answer, which ends the doubt."""
        asked_before = key not in self.left
        if not asked_before and not await asyncio.to_thread(self.store.claim, key):
            return  # another job asks it
        answer = None
        try:
            answer = await self._send(key, request)
        except Fault as fault:
            if fault.state == "fatal":
                self.waits.stop(str(fault))
            self.waits.heed(fault)
        if not asked_before:
            if answer:  # before anybody else may run
                self.found[key] = answer
                del self.left[key]
            await asyncio.to_thread(self._settle, key, request, answer)

    def _in_doubt(self) -> bool:
        """Tell whether the server may be down; the last few calls are rather asked than this."""
        return len(self.in_vain) >= DOUBT_AFTER and len(self.left) >= PROBES

    async def _begin(self) -> bool:
        """Tell whether a call may be sent, once that is known.

        After a refusal before any answer, those in flight show whether it is about all calls; if
        there are none, one call more does. So it is where the server may be down, and where a limit
        of cost is set and no answer has shown yet what one costs.
        """

        def known() -> bool:
            refused = self.refusals and not self.proven
            wait = refused or self._in_doubt() or self.budget.is_blind
            return not wait or not self.in_flight or self.waits.stopped()

        async with self.ended:
            await self.ended.wait_for(known)
            self.in_flight += not self.waits.stopped()
            return not self.waits.stopped()

    async def _end(self) -> None:
        async with self.ended:
            self.in_flight -= 1
            if len(self.refusals) >= REFUSED_AT_FIRST and not self.proven and not self.in_flight:
                self.waits.stop(self.refusals[0])
            self.ended.notify_all()

    async def _send(self, key: str, request: Request) -> Reply:
        await self.budget.begin()
        try:
            await self.waits.pause()
            self.sent[key] += 1
            answer = await send(self.client, self.endpoint, request.messages)
            self.budget.add(key, answer)
        finally:
            self.budget.end()
        self.in_vain, self.proven, self.known = [], True, request
        return answer

    def _given_up(self, fault: Fault) -> tuple[str, State]:
        """The outcome's error and state; also whether the others may go on."""
        error, state = str(fault), fault.state
        if state == "passing" and not self.waits.stopped():
            error = f"{error} (after {self.endpoint.max_attempts} attempts)"
            self.in_vain.append(error)
        elif state == "refused" and not self.proven:
            error = f"{error}; {fault.advice}"
            self.refusals.append(error)
        if state == "fatal":
            self.waits.stop(error)
        return error, state
