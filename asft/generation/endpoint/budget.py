"""What the answers of a model have cost together, and whether another call may be sent.

The store is what counts: all answers of the model at its server, whatever job or experiment asked
for them, so that jobs side by side keep one limit. A call in flight counts as much as an answer has
cost on average.
"""

import asyncio
import threading
from collections.abc import Callable

from asft.config import usd
from asft.generation.endpoint.client import CostLimit, Endpoint
from asft.generation.endpoint.faults import Fault
from asft.generation.endpoint.store import Reply, Store

ROUNDING = 1 + 1e-9  # sums of many small costs may pass a limit that they meet


class Budget:
    """What may be spent on calls of one run, which has no limit where the endpoint names none."""

    def __init__(self, endpoint: Endpoint, store: Store, stop: Callable[[str], None]) -> None:
        self.endpoint, self.store, self.stop = endpoint, store, stop
        self._limit = endpoint.cost_limit
        self._lock = threading.Lock()
        self._changed = asyncio.Event()  # what is in flight, since somebody looked
        self._seen: set[str] = set()  # keys in the store
        self._in_flight = 0
        self._spent = 0.0
        self._counted = self._uncounted = 0  # answers with a cost, and without

    @property
    def is_blind(self) -> bool:
        """Whether there is a limit, but no answer yet that says what a call costs."""
        return self._limit is not None and not self._counted

    async def begin(self) -> None:
        """Count a call in; where it might pass the limit, wait for what those in flight cost.

        Raises:
            Fault: it would pass the limit, and nothing is in flight.
        """
        if not self._limit:
            return
        try:
            self._changed.clear()
            while not await asyncio.to_thread(self._begin, self._limit):
                await self._changed.wait()
                self._changed.clear()
        finally:
            self._changed.set()  # others that wait may have missed what was cleared here

    def end(self) -> None:
        """Count a call out, whatever came of it."""
        with self._lock:
            self._in_flight -= bool(self._limit)
        self._changed.set()

    def add(self, key: str, answer: Reply) -> None:
        """Count what an answer has cost; without its tokens nobody knows, and the run stops."""
        if not self._limit:
            return
        with self._lock:
            self._seen.add(key)
            counted = self._add(answer, self._limit)
        if not counted:
            self.stop(
                f"judge {self.endpoint.model}: its replies do not say how many tokens they took"
                " (`usage`), so `max_cost` cannot be kept; remove it"
            )

    def _begin(self, limit: CostLimit) -> bool:
        with self._lock:
            new = self.store.keys() - self._seen
            self._seen |= new
            for answer in self.store.answers_of(self.endpoint.base_url, self.endpoint.model, new):
                self._add(answer, limit)
            mean = self._spent / self._counted if self._counted else 0.0
            fits = self._spent + (self._in_flight + 1) * mean <= limit.usd * ROUNDING
            if not fits and not self._in_flight:
                raise Fault(self._reached(limit, mean), "fatal")
            self._in_flight += fits
            return fits

    def _add(self, answer: Reply, limit: CostLimit) -> bool:
        if answer.tokens is None:
            self._uncounted += 1
            return False
        self._spent += limit.prices.cost(*answer.tokens)
        self._counted += 1
        return True

    def _reached(self, limit: CostLimit, mean: float) -> str:
        more = f" (of {self._uncounted} more nobody counted the tokens)" if self._uncounted else ""
        return (
            f"judge {self.endpoint.model}: another call would pass `max_cost` {usd(limit.usd)} USD:"
            f" {usd(self._spent)} USD are spent on {self._counted} answers in"
            f" {self.store.path}{more}, {usd(mean)} USD each; raise `max_cost` to go on"
        )
