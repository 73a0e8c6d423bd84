"""A judge's answer as the store keeps it, and processes that fill a store."""

import resource
import signal
from pathlib import Path

from asft.errors import UserError
from asft.generation.endpoint.store import Reply, Store, call_key
from asft.records import Message

ANSWER = Reply("Good. [[7]]", "stop", "gpt-4-0613", 11, 3, "fp_1", "2026-11-23T12:00:00+00:00")
MESSAGES: list[Message] = [{"role": "user", "content": "Rate this."}]
CALL = {
    "endpoint": "http://127.0.0.1/v1",
    "model": "gpt-4",
    "messages": MESSAGES,
    "parameters": {"temperature": 0, "max_tokens": 2048},
    "repeat": 0,
}
KEY = call_key(**CALL)


def put_many(path: Path, name: str) -> None:
    with Store(path) as store:
        for number in range(10):
            store.put(f"{name} {number}", CALL, ANSWER)


def fill(path: Path) -> tuple[int, str]:
    """Store answers until the file may not grow: how many are in, and the error."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    with Store(path) as store:
        for number in range(1000):
            try:
                store.put(f"{number}", CALL, ANSWER._replace(text="x" * 5000))
            except UserError as error:
                return number, str(error)
    return 0, ""
