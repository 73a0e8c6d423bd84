"""Settings and client of one model on an OpenAI-compatible server.

Reads the environment variable that `api_key_env` names, and no other.
"""

import os
import re
from typing import Any
from urllib.parse import urlsplit

import openai
from pydantic import Field

from asft.errors import UserError
from asft.records import Record

OURS = {"model", "messages", "stream", "n"}  # not to be set by `parameters`


class Endpoint(Record):
    """One model on one server, and how it is called."""

    base_url: str  # such as https://api.openai.com/v1
    model: str
    api_key_env: str | None = None  # the name of an environment variable, never a key
    parameters: dict[str, Any] = Field(
        default_factory=dict
    )  # temperature, max_tokens, seed, …: sent as they are
    concurrency: int = Field(8, ge=1)
    timeout_s: float = Field(300, gt=0)  # for a whole reply, however slowly it drips
    max_attempts: int = Field(6, ge=1)
    max_wait_s: float = Field(120, ge=0)  # between two attempts
    backoff_s: float = Field(1, ge=0)  # the n-th wait is drawn from 0 to backoff_s · 2ⁿ


def check(endpoint: Endpoint) -> None:
    """Refuse an endpoint that cannot be called, or that would put a secret into files.

    Raises:
        UserError: says which setting is wrong; never shows a value that may be a secret.
    """
    url = urlsplit(endpoint.base_url)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise UserError(f"judge {endpoint.model}: `base_url` must begin with http:// or https://")
    if url.username or url.password or url.query:
        # Not shown: what stands there may be a secret.
        raise UserError(
            f"judge {endpoint.model}: `base_url` holds a user, password or query; leave them out "
            "and name the key's environment variable in `api_key_env`"
        )
    name = endpoint.api_key_env
    if name is not None and not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise UserError(
            f"judge {endpoint.model}: `api_key_env` must be the name of an environment variable"
        )
    if taken := OURS & endpoint.parameters.keys():
        raise UserError(
            f"judge {endpoint.model}: `parameters` may not set {', '.join(sorted(taken))}"
        )


def open_client(endpoint: Endpoint) -> openai.AsyncOpenAI:
    """Open a client for one endpoint that takes nothing from the environment but the key it names.

    Raises:
        UserError: the key's environment variable is unset or holds no key.
    """
    name = endpoint.api_key_env
    if name and not _is_sendable(os.environ.get(name, "")):
        raise UserError(
            f"judge {endpoint.model}: the environment variable {name} is not set to an API key; "
            "set it, or remove `api_key_env` if the server needs none"
        )
    client = openai.AsyncOpenAI(
        base_url=endpoint.base_url,
        api_key=os.environ[name].strip() if name else "none",
        max_retries=0,
        timeout=None,  # ask.py sets a deadline for the whole reply
        # Not None, for which the client would read OPENAI_ADMIN_KEY, OPENAI_ORG_ID and others.
        admin_api_key="",
        organization="",
        project="",
        webhook_secret="",
    )
    client.organization = client.project = None  # no empty headers
    client._custom_headers = {}  # from OPENAI_CUSTOM_HEADERS
    return client


def _is_sendable(key: str) -> bool:
    """Whether a header can hold it: the HTTP library shows in its error what it refuses."""
    return re.fullmatch(r"[!-~]+", key.strip()) is not None
