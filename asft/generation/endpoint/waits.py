"""The waits that all calls of a run share, and the stop that ends them."""

import asyncio
import logging
from contextlib import suppress
from typing import cast

from tenacity import AsyncRetrying, RetryCallState, stop_after_attempt, wait_random_exponential

from asft.generation.endpoint.client import Endpoint
from asft.generation.endpoint.faults import Fault

log = logging.getLogger(__name__)


class Waits:
    """When calls may be sent: not before a server's pause is over, not after the run's stop."""

    def __init__(self) -> None:
        self.reason = ""  # of the stop
        self._stopped = asyncio.Event()
        self._not_before = 0.0  # loop time

    def heed(self, fault: Fault) -> None:
        """Let all calls wait as long as a server asks in a fault."""
        if fault.wait:
            now = asyncio.get_running_loop().time()
            self._not_before = max(self._not_before, now + fault.wait)

    async def sleep(self, seconds: float) -> None:
        """Wait, but no longer than the run goes on."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)

    async def pause(self) -> None:
        """Wait until a call may be sent.

        Raises:
            Fault: the run was stopped.
        """
        loop = asyncio.get_running_loop()
        while (left := self._not_before - loop.time()) > 0 and not self.stopped():
            await self.sleep(left)
        if self.stopped():
            raise Fault(self.reason, "fatal")

    def stop(self, reason: str) -> None:
        """Stop the run; its first reason stays."""
        self.reason = self.reason or reason
        self._stopped.set()

    def stopped(self) -> bool:
        """Tell whether the run was stopped."""
        return self._stopped.is_set()


def retrying(endpoint: Endpoint, waits: Waits) -> AsyncRetrying:
    """Return what repeats one call while waiting may heal it; each wait is logged."""
    backoff = wait_random_exponential(endpoint.backoff_s, endpoint.max_wait_s)

    def heals(state: RetryCallState) -> bool:
        error = state.outcome and state.outcome.exception()
        return isinstance(error, Fault) and error.state == "passing" and not waits.stopped()

    def note(state: RetryCallState) -> None:
        fault = _fault(state)
        waits.heed(fault)
        log.warning(
            "judge %s: %s; attempt %d of %d, again in %.1f s",
            *(endpoint.model, fault, state.attempt_number, endpoint.max_attempts),
            state.upcoming_sleep,
        )

    return AsyncRetrying(
        retry=heals,
        stop=stop_after_attempt(endpoint.max_attempts),
        wait=lambda state: max(backoff(state), _fault(state).wait),
        sleep=waits.sleep,
        before_sleep=note,
        reraise=True,
    )


def _fault(state: RetryCallState) -> Fault:
    return cast(Fault, state.outcome and state.outcome.exception())
