"""Read a server's reply: an answer, or a fault and whether waiting can fix it.

Pure functions over replies and errors of the openai client. No text made here holds an API key:
servers echo it (OpenAI's 401 does, in part), so all that they say passes through `scrubbed`.
"""

import json
import math
import os
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import openai

from asft.generation.endpoint.client import Endpoint
from asft.generation.endpoint.store import Reply

# Codes of a 400 that condemn one question only, not the set-up.
ONE_CALL_CODES = {"context_length_exceeded", "content_filter", "content_policy_violation"}
ONE_CALL_PHRASE = "maximum context length"  # vLLM and others send no code of their own
QUOTA = "insufficient_quota"
SHOWN = 200  # characters of a server's message
# Servers without authentication are given any word as a key ("none", "x"): to cut that out of a
# judge's words would change them, and it is no secret.
SHORTEST_SECRET = 12


class Fault(Exception):
    """Why one call has no answer, in one line; this class itself concerns no other call."""


class PassingFault(Fault):
    """A fault that waiting may fix; `wait` is the time in seconds that the server asks for."""

    def __init__(self, text: str, wait: float = 0) -> None:
        super().__init__(text)
        self.wait = wait


class FatalFault(Fault):
    """A fault after which no call of this run can succeed until the user changes something."""


def read_answer(body: bytes, api_key_env: str | None = None) -> Reply:
    """Read the first choice of a chat completion, without the API key should the server echo it.

    A refusal (`message.refusal`) is an answer with finish reason "refusal", as is empty text.
    Lone surrogates are replaced by U+FFFD: no UTF-8 file could hold them.

    Raises:
        PassingFault: there is no answer in it.
    """
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        raise PassingFault("the reply is not JSON") from None
    choices = reply.get("choices") if isinstance(reply, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise PassingFault("the reply has no choices")
    message = choices[0].get("message")
    message = message if isinstance(message, dict) else {}
    text, finish_reason = message.get("content"), choices[0].get("finish_reason")
    if text is None and message.get("refusal"):
        text, finish_reason = message["refusal"], "refusal"
    if not isinstance(text, str):
        raise PassingFault("the reply's content is null or not text")
    usage = reply.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    finish_reason, model, system = (
        without_key(encodable(value), api_key_env) if isinstance(value, str) else ""
        for value in (finish_reason, reply.get("model"), reply.get("system_fingerprint"))
    )
    return Reply(
        text=without_key(encodable(text), api_key_env),
        finish_reason=finish_reason,
        model=model,
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        system_fingerprint=system,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def fault_of(error: openai.APIError, endpoint: Endpoint) -> Fault:
    """Return what an error of the client means for this call and for the run."""
    if not isinstance(error, openai.APIStatusError):
        cause = error.__cause__ or error
        return PassingFault(
            f"{type(cause).__name__}: {scrubbed(str(cause), endpoint.api_key_env)}".rstrip(": ")
        )
    status, words = error.status_code, _server_words(error, endpoint)
    said = f"HTTP {status}: {words}" if words else f"HTTP {status}"
    if status == 429 and QUOTA in (error.code, error.type):
        return FatalFault(f"{said}; the account behind {_key_name(endpoint)} has no quota left")
    if status in (408, 409, 429) or status >= 500:
        wait = retry_after(error.response.headers)
        if wait <= endpoint.max_wait_s:
            return PassingFault(said, wait)
        return FatalFault(
            f"{said}; the server asks to wait {wait:.0f} s, longer than `max_wait_s` "
            f"({endpoint.max_wait_s:g} s)"
        )
    if status == 401 or (status == 403 and endpoint.api_key_env is None):
        # A 401's own words are left out: they are about the key, and may show part of it.
        advice = "set it to a valid key" if endpoint.api_key_env else "name one in `api_key_env`"
        return FatalFault(f"HTTP {status}: {_key_name(endpoint)} was refused; {advice}")
    if status == 403:
        return FatalFault(f"{said}; check what the key in {_key_name(endpoint)} may use")
    if error.code in ONE_CALL_CODES or ONE_CALL_PHRASE in words.lower():
        return Fault(said)
    return FatalFault(f"{said}; check `base_url` {endpoint.base_url}, `model` and `parameters`")


def retry_after(headers: Any, now: datetime | None = None) -> float:
    """Return the seconds to wait by `retry-after-ms` or `Retry-After` (seconds or date); else 0."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
        if math.isfinite(seconds):
            return max(seconds, 0.0)
    try:
        date = parsedate_to_datetime(headers["retry-after"])
    except (KeyError, ValueError):
        return 0.0
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max((date - (now or datetime.now(UTC))).total_seconds(), 0.0)


def encodable(text: str) -> str:
    """Return `text` with each lone surrogate replaced by U+FFFD; no UTF-8 can be made of them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def without_key(text: str, api_key_env: str | None) -> str:
    """Return `text` with `***` for the API key; all else stays as it is."""
    key = os.environ.get(api_key_env or "", "").strip()
    return text.replace(key, "***") if len(key) >= SHORTEST_SECRET else text


def scrubbed(text: str, api_key_env: str | None) -> str:
    """Return the start of `text` on one printable line, without the API key or a masked one."""
    key = os.environ.get(api_key_env or "", "").strip()
    if key:
        text = text.replace(key, "***")
    text = re.sub(r"\S*\*{3,}\S*", "***", text[: 5 * SHOWN])
    text = "".join(character if character.isprintable() else " " for character in text)
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else line[:SHOWN] + "…"


def _server_words(error: openai.APIStatusError, endpoint: Endpoint) -> str:
    words = error.body.get("message") if isinstance(error.body, dict) else error.body
    return scrubbed(words if isinstance(words, str) else "", endpoint.api_key_env)


def _key_name(endpoint: Endpoint) -> str:
    if endpoint.api_key_env:
        return f"the environment variable {endpoint.api_key_env}"
    return "a call without a key"


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) else None
