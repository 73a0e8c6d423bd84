"""Ask a model behind an OpenAI-compatible server: many calls at once, each paid for once.

Reads and writes the store of answers; sends only what is missing there. Secrets are read from the
environment variables that the endpoint names, and from nowhere else. What cannot be written as
UTF-8 (a lone surrogate) is sent as U+FFFD.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from asft.generation.endpoint.client import Endpoint, check, open_client
from asft.generation.endpoint.outcomes import Outcome, Request, answered, described, shortfall
from asft.generation.endpoint.run import OnDone, Run
from asft.generation.endpoint.store import Store, call_key
from asft.progress import Bar

__all__ = ["Endpoint", "Outcome", "Request", "ask", "ask_all", "shortfall"]


def ask(
    endpoint: Endpoint,
    requests: Sequence[Request],
    store: Store,
    on_done: OnDone | None = None,
    *,
    proven: bool = False,
    facts: Callable[[], dict[str, Any]] = dict,
) -> list[Outcome]:
    """Run `ask_all` for a caller that is not asynchronous."""
    asked = ask_all(endpoint, requests, store, on_done, proven=proven, facts=facts)
    return asyncio.run(asked)


async def ask_all(
    endpoint: Endpoint,
    requests: Sequence[Request],
    store: Store,
    on_done: OnDone | None = None,
    *,
    proven: bool = False,
    facts: Callable[[], dict[str, Any]] = dict,
) -> list[Outcome]:
    """Answer requests from the store, and from the server what the store lacks.

    Equal requests are asked once; what another job that shares the store is asking is waited for. A
    read-only store means replay: nothing is sent, no key needed.
    A fault that no retry can fix stops the run: calls in flight are finished and stored, the
    others' outcomes have no answer. A call that is refused for a reason that nobody knows is that
    call's outcome where another has been answered, now or before; else it stops the run too.

    Args:
        on_done: called once for each different request, when its outcome is known.
        proven: whether this server has answered other calls with these settings.
        facts: what is told of the run beside the number of its calls (`asft.progress`).

    Returns:
        The outcomes in the order of the requests.

    Raises:
        UserError: the endpoint is badly set up, its key is missing, or the store cannot be used.
    """
    check(endpoint)
    keys = [call_key(**described(endpoint, request)) for request in requests]
    different = dict(zip(keys, requests, strict=True))
    outcomes: dict[str, Outcome] = {}
    name = f"judge {endpoint.model}"
    with Bar(total=len(different), desc=name, unit="call", facts=facts) as bar:

        def done(outcome: Outcome) -> None:
            outcomes[outcome.key] = outcome
            if on_done:
                on_done(outcome)
            bar.update()

        kept = store.find(different)
        for key in different:
            if answer := kept.get(key):
                done(answered(key, answer))
            elif store.read_only:
                error = f"not in {store.path}, which is only read"
                done(Outcome(key, None, error, state="not_asked"))
        missing = {key: request for key, request in different.items() if key not in outcomes}
        if missing:
            async with open_client(endpoint) as client:
                known = next((r for key, r in different.items() if key in outcomes), None)
                run = Run(endpoint, store, client, done, known, proven or bool(outcomes))
                await run.ask(missing)
    return [outcomes[key] for key in keys]
