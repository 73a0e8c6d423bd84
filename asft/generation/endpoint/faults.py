"""Why a call has no answer: one classification, with the server's own words.

Pure functions over errors of the openai client and what servers say in place of an answer. No text
made here holds an API key.
"""

from typing import Literal

import openai

from asft.generation.endpoint.client import Endpoint
from asft.generation.endpoint.dialects import about_of
from asft.generation.endpoint.network import hint
from asft.generation.endpoint.scrubbing import scrubbed
from asft.generation.endpoint.server_errors import (
    ServerError,
    limit_reset,
    parsed,
    read_error,
    retry_after,
)

# moderated, too_long: this call alone, and for good. passing: waiting may heal it. refused: nobody
# knows whether it is about this call or about all. fatal: no call of this run can succeed.
FaultState = Literal["moderated", "too_long", "passing", "refused", "fatal"]
MODERATED = "refused by moderation"
TOO_LONG = "too long for the model"


class Fault(Exception):
    """Why one call has no answer, in one line.

    Args:
        wait: seconds that the server asks to wait before the next call.
        advice: what to do if the fault turns out to be about all calls.
    """

    def __init__(self, text: str, state: FaultState, wait: float = 0, advice: str = "") -> None:
        super().__init__(text)
        self.state, self.wait, self.advice = state, wait, advice


def fault_of(error: openai.APIError, endpoint: Endpoint) -> Fault:
    """Return what an error of the client means for this call and for the run."""
    if not isinstance(error, openai.APIStatusError):
        cause = error.__cause__ or error
        words = scrubbed(str(cause), *endpoint.secrets)
        said = f"{type(cause).__name__}: {words}".rstrip(": ")
        return Fault(said + hint(endpoint.base_url, words), "passing")
    response = error.response
    found = read_error(parsed(response.content))
    wait = retry_after(response.headers) or found.wait
    if error.status_code == 429:
        wait = wait or limit_reset(response.headers)
    said = f"HTTP {error.status_code}"
    return _classified(error.status_code, said, found._replace(wait=wait), endpoint)


def fault_within(body: object, endpoint: Endpoint) -> Fault:
    """Return what an error means that came with HTTP 200, or inside a choice."""
    found = read_error(body)
    said = f"HTTP 200 with error {found.status}" if found.status else "HTTP 200 with an error"
    return _classified(found.status, said, found, endpoint)


def _classified(status: int | None, said: str, error: ServerError, endpoint: Endpoint) -> Fault:
    about = about_of(status, error.codes, error.words)
    words = scrubbed(error.words, *endpoint.secrets)
    # A refused key's own words are left out: they are about the key, and may show part of it.
    said = f"{said}: {words}" if words and about != "key" else said
    where = f"check `base_url` {endpoint.base_url}, `model` and `parameters`"
    if about == "too_long":
        return Fault(f"{said} ({TOO_LONG})", "too_long")
    if about == "moderated":
        return Fault(f"{said} ({MODERATED})", "moderated")
    if about == "key":
        advice = "set it to a valid key" if endpoint.api_key_env else "name one in `api_key_env`"
        return Fault(f"{said}: {_key_name(endpoint)} was refused; {advice}", "fatal")
    if about == "money":
        return Fault(f"{said}; the account behind {_key_name(endpoint)} has no quota left", "fatal")
    if about == "setup":
        return Fault(f"{said}; {where}", "fatal")
    if about == "passing":
        return _passing(said, error.wait, endpoint)
    if status == 403:
        where = f"check what {_key_name(endpoint)} may use"
    return Fault(said, "refused", advice=where)


def _passing(said: str, wait: float, endpoint: Endpoint) -> Fault:
    if wait <= endpoint.max_wait_s:
        return Fault(said, "passing", wait)
    return Fault(
        f"{said}; the server asks to wait {wait:.0f} s, longer than `max_wait_s` "
        f"({endpoint.max_wait_s:g} s)",
        "fatal",
    )


def _key_name(endpoint: Endpoint) -> str:
    if endpoint.api_key_env:
        return f"the key in the environment variable {endpoint.api_key_env}"
    return "a call without a key"
