"""Read a server's error, whatever its shape: its words, its codes, and how long it asks to wait.

OpenAI's `{"error": {"message", "code"}}`, alone or in a list (Gemini); words alone (TGI);
FastAPI's `detail`, a text or a list of fields; `error_msg`, `msg`, `errors`; what stands around an
error at OpenRouter (`metadata`) and Azure (`innererror`); pages of a proxy.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

_WORDS = ("message", "error", "error_msg", "errorMessage", "detail", "msg", "Message", "title")
_CODES = ("code", "type", "status", "error_type", "error_code", "reason")
_UNITS = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}
_DURATION = r"(\d+(?:\.\d+)?) ?(ms|h|m|s)[a-z]*"  # 6m0s, 39.5s, 20 seconds
_AGAIN = re.compile(
    rf"(?:retry|try again|wait)(?: \w+){{0,2}}? (?P<time>{_DURATION}(?:{_DURATION})*)"
)
_EPOCH = 1e9  # seconds since 1970 above this are a date, below a duration
_READ = 5_000  # characters of a server's words; no message needs more


class ServerError(NamedTuple):
    """What a server says of a failure; `words` still hold whatever secrets it echoes."""

    words: str
    codes: frozenset[str]  # codes, types and statuses, in lower case
    status: int | None  # an HTTP status that the body names
    wait: float  # seconds that it asks to wait; 0 if it does not


def read_error(body: Any) -> ServerError:
    """Read the error in a reply's body: parsed JSON of any shape, or a text."""
    nodes = list(_nodes(body))
    codes = [str(node[key]).lower() for node in nodes for key in _CODES if _is_code(node.get(key))]
    statuses = [int(code) for code in codes if re.fullmatch(r"[45]\d\d", code)]
    said = dict.fromkeys(words for node in nodes for words in _said(node))
    words = "; ".join(said)[:_READ] if nodes else _visible(body)
    waits = [wait for node in nodes if (wait := _wait_in(node))]
    wait = waits[0] if waits else _wait_in_words(words)
    return ServerError(words, frozenset(codes), statuses[0] if statuses else None, wait)


def says_error(body: Any) -> bool:
    """Tell whether a body says anything of an error: words, or the status of one."""
    found = read_error(body)
    return bool(found.words or found.status)


def parsed(body: bytes) -> Any:
    """Return a body's JSON, or its text where it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode(errors="replace")


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float:
    """Return the seconds to wait by `retry-after-ms` or `Retry-After`; 0 if neither says.

    Seconds or a date, of HTTP or ISO 8601; of several numbers the largest.
    """
    now = now or datetime.now(UTC)
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        if wait := _wait_of(headers.get(name), now, unit):
            return wait
    return 0.0


def limit_reset(headers: Mapping[str, str], now: datetime | None = None) -> float:
    """Return the seconds until a used-up rate limit is reset; 0 if the headers do not say.

    `x-ratelimit-reset`, also of requests and tokens alone (OpenAI): seconds, a duration, a date, or
    seconds or milliseconds since 1970 (OpenRouter).
    """
    now = now or datetime.now(UTC)
    used_up = [
        kind
        for kind in ("", "-requests", "-tokens")
        if headers.get(f"x-ratelimit-remaining{kind}", "0") == "0"
    ]
    waits = [_wait_of(headers.get(f"x-ratelimit-reset{kind}"), now) for kind in used_up]
    return max(waits, default=0.0)


def _wait_of(value: Any, now: datetime, unit: float = 1.0) -> float:
    """Seconds from `now` by a number of `unit` seconds, a duration or a date; 0 if it is none."""
    text = str(value if value is not None else "").strip()
    numbers = [_number(part) for part in text.split(",")]  # a header that came twice
    if all(number is not None for number in numbers):
        number = max(number for number in numbers if number is not None) * unit
        if number > _EPOCH:
            number = (number / 1000 if number > 1000 * _EPOCH else number) - now.timestamp()
        return max(number, 0.0)
    if re.fullmatch(f"(?:{_DURATION})+", text):
        return _seconds(text)
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            date = read(text)
        except ValueError:
            continue
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        return max((date - now).total_seconds(), 0.0)
    return 0.0


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _seconds(text: str) -> float:
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(_DURATION, text))


def _wait_in_words(words: str) -> float:
    found = _AGAIN.search(words.lower())
    return _seconds(found["time"]) if found else 0.0


def _wait_in(node: Mapping[str, Any]) -> float:
    """The wait that one object of an error names: Google's RetryInfo, OpenRouter's headers."""
    now = datetime.now(UTC)
    delay = node.get("retryDelay")
    if isinstance(delay, dict):
        delay = delay.get("seconds")
    keys = (("retry_after_ms", 0.001), ("retry_after", 1.0), ("retry_after_seconds", 1.0))
    waits = [_wait_of(delay, now), *(_wait_of(node.get(key), now, unit) for key, unit in keys)]
    headers = node.get("headers")
    if isinstance(headers, dict):
        plain = {str(name).lower(): str(value) for name, value in headers.items()}
        waits += [retry_after(plain, now), limit_reset(plain, now)]
    return max(waits)


def _nodes(body: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """The objects of an error, outermost first."""
    if isinstance(body, list):
        for part in body[:10]:
            yield from _nodes(part, depth)
    elif isinstance(body, dict) and depth < 4:
        yield body
        for key in ("error", "errors", "detail", "details", "metadata", "innererror"):
            yield from _nodes(body.get(key), depth + 1)


def _said(node: Mapping[str, Any]) -> Iterator[str]:
    """The words of one object; of a field that was refused, with the field's name."""
    found = next((v for key in _WORDS if isinstance(v := node.get(key), str) and v), "")
    place = node.get("loc")
    if found and isinstance(place, list):
        found = f"{'.'.join(str(part) for part in place)}: {found}"
    if found:
        yield found
    raw = node.get("raw")  # OpenRouter: what the model's own provider said
    if isinstance(raw, str) and raw:
        yield raw


def _is_code(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""


def _visible(body: Any) -> str:
    """What a reader would see of a body that is no object: a text, or a proxy's page."""
    return re.sub(r"<[^>]*>", " ", body[:_READ]) if isinstance(body, str) else ""
