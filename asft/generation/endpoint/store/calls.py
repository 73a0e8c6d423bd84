"""The key of a call: a digest of all that shapes its answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from asft.files import fingerprint
from asft.records import Message


def call_key(
    endpoint: str,
    model: str,
    messages: Sequence[Message],
    parameters: Mapping[str, Any],
    repeat: int = 0,
) -> str:
    """Return the SHA-256 of everything that shapes an answer.

    Args:
        endpoint: the base URL, or any name for a judge that is no server.
        repeat: number of this answer where one question is asked several times.
    """
    request = describe_call(endpoint, model, messages, parameters, repeat)
    return fingerprint(request)


def describe_call(
    endpoint: str,
    model: str,
    messages: Sequence[Message],
    parameters: Mapping[str, Any],
    repeat: int = 0,
) -> dict[str, Any]:
    """Return the request as the store keeps it: `call_key(**request)` is its key."""
    return {
        "endpoint": endpoint.rstrip("/"),
        "model": model,
        "messages": list(messages),
        "parameters": dict(parameters),
        "repeat": repeat,
    }
