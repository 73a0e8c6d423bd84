"""Say how far lm-evaluation-harness is: a line in the log now and then, and `asft watch`'s file.

It asks for the log-likelihoods of all tasks together, longest first, and for their answers in
words: so tasks end together, and requests tell more.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from lm_eval.api.model import CacheHook
from lm_eval.models.huggingface import HFLM

from asft.progress import Bar

SECONDS = 30.0  # between two lines


class Progress:
    """Counts what is answered and says so on stderr: as a kind begins, then once in `SECONDS`."""

    def __init__(self, tasks: Iterable[Any], clock: Callable[[], float] = time.monotonic) -> None:
        self._tasks, self._clock = list(tasks), clock
        self._answered, self._said = 0, 0.0
        self._bar: Bar | None = None

    def begin(self, kind: str, remaining: int) -> None:
        """Start with requests of one kind, of which so many are not answered from before."""
        others = sum(len(i.resps) for i in self._instances() if i.request_type != kind)
        same = sum(i.repeats for i in self._instances() if i.request_type == kind)
        if self._bar is None:  # only now all requests are known
            total = sum(i.repeats for i in self._instances())
            self._bar = Bar(total=total, desc="lm-eval", unit="request")
        self._add(others + same - remaining - self._answered)
        self.say()

    def count(self) -> None:
        """Count one answer more."""
        self._add(1)
        if self._clock() - self._said >= SECONDS:
            self.say()

    def end(self) -> None:
        """Say so for the last time."""
        self.say()
        if self._bar:
            self._bar.close()

    def say(self) -> None:
        """Say how many requests are answered, and of how many tasks all are."""
        self._said = self._clock()
        total = sum(i.repeats for i in self._instances())
        done = sum(all(i.resps for i in task.instances) for task in self._tasks)
        tasks = f"{done} of {len(self._tasks)} tasks done"
        print(
            f"lm-eval: {self._answered} of {total} requests, {tasks}", file=sys.stderr, flush=True
        )

    def _add(self, more: int) -> None:
        self._answered += more
        if self._bar:
            self._bar.update(more)

    def _instances(self) -> list[Any]:
        return [instance for task in self._tasks for instance in task.instances]


class Watched(HFLM):  # type: ignore[misc]
    """lm-eval's model of transformers, which says how far it is."""

    def __init__(self, tasks: Iterable[Any], **given: Any) -> None:
        super().__init__(**given)
        self.progress = Progress(tasks)

    def set_cache_hook(self, cache_hook: CacheHook) -> None:
        """Take the hook that keeps each answer, and count by it."""
        super().set_cache_hook(_Counted(cache_hook, self.progress))

    def loglikelihood(self, requests: Any, disable_tqdm: bool = True) -> Any:
        """Compute what lm-eval asks for."""
        self.progress.begin("loglikelihood", len(requests))
        return super().loglikelihood(requests, disable_tqdm)

    def generate_until(self, requests: Any, disable_tqdm: bool = True) -> Any:
        """Answer what lm-eval asks."""
        self.progress.begin("generate_until", len(requests))
        return super().generate_until(requests, disable_tqdm)


class _Counted:
    """A cache hook that counts."""

    def __init__(self, hook: CacheHook, progress: Progress) -> None:
        self._hook, self._progress = hook, progress

    def add_partial(self, attr: str, req: Any, res: Any) -> None:
        self._hook.add_partial(attr, req, res)
        self._progress.count()
