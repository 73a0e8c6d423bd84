"""Settings and client of one model on an OpenAI-compatible server.

Of secrets it reads the environment variables that `api_key_env` and `headers_env` name, no other.
"""

import os
import re
from typing import Any
from urllib.parse import urlsplit

import openai
from pydantic import Field, ValidationInfo, field_validator

from asft.config import Prices
from asft.errors import UserError
from asft.generation.endpoint.network import http_client
from asft.records import Record

OURS = {"model", "messages", "stream", "n"}  # not to be set by `parameters`
# OpenAI's models that reason: they refuse any temperature but their own.
REASONING = re.compile(r"(?:^|/)(?:o[134]|gpt-5)(?:$|[-.])")


class CostLimit(Record):
    """What all answers of a model may cost together."""

    usd: float = Field(gt=0)
    prices: Prices


class Endpoint(Record):
    """One model on one server, and how it is called."""

    base_url: str  # such as https://api.openai.com/v1
    model: str
    api_key_env: str | None = None  # the name of an environment variable, never a key
    # Names of environment variables, by the name of the header.
    headers_env: dict[str, str] = Field(default_factory=dict)
    # Any JSON, sent as it is: temperature, max_tokens, seed, …
    parameters: dict[str, Any] = Field(default_factory=dict)
    concurrency: int = Field(8, ge=1)
    timeout_s: float = Field(300, gt=0)  # for a whole reply, however slowly it drips
    max_attempts: int = Field(6, ge=1)
    max_wait_s: float = Field(120, ge=0)  # between two attempts
    backoff_s: float = Field(1, ge=0)  # the n-th wait is drawn from 0 to backoff_s · 2ⁿ
    cost_limit: CostLimit | None = None

    @field_validator("parameters")
    @classmethod
    def _as_sent(cls, given: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Leave out what is null, and what the model refuses beside the rest."""
        sent = {name: value for name, value in given.items() if value is not None}
        if "max_completion_tokens" in sent:  # one limit by its new and its old name
            sent.pop("max_tokens", None)
        if REASONING.search(info.data.get("model", "")) and sent.get("temperature") != 1:
            sent.pop("temperature", None)
        return sent

    @property
    def secrets(self) -> tuple[str, ...]:
        """The environment variables whose values may be shown nowhere."""
        key = (self.api_key_env,) if self.api_key_env else ()
        return (*key, *self.headers_env.values())


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
    for name in endpoint.secrets:
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            setting = "api_key_env" if name == endpoint.api_key_env else "headers_env"
            raise UserError(
                f"judge {endpoint.model}: `{setting}` must be the name of an environment variable"
            )
    if taken := OURS & endpoint.parameters.keys():
        raise UserError(
            f"judge {endpoint.model}: `parameters` may not set {', '.join(sorted(taken))}"
        )


def open_client(endpoint: Endpoint) -> openai.AsyncOpenAI:
    """Open a client for one endpoint; of secrets it takes those that the endpoint names, no other.

    Raises:
        UserError: the environment variable of the key or of a header is unset or cannot be sent,
            or that of a proxy or of certificates cannot be used.
    """
    key = endpoint.api_key_env
    client = openai.AsyncOpenAI(
        base_url=endpoint.base_url,
        api_key=_secret(endpoint, key, "an API key", "api_key_env") if key else "none",
        max_retries=0,
        timeout=None,  # run.py sets a deadline for the whole reply
        http_client=http_client(endpoint.base_url),
        # Not None, for which the client would read OPENAI_ADMIN_KEY, OPENAI_ORG_ID and others.
        admin_api_key="",
        organization="",
        project="",
        webhook_secret="",
    )
    client.organization = client.project = None  # no empty headers
    client._custom_headers = {  # and none from OPENAI_CUSTOM_HEADERS
        header: _secret(endpoint, name, f"the header {header}", "headers_env")
        for header, name in endpoint.headers_env.items()
    }
    return client


def _secret(endpoint: Endpoint, variable: str, what: str, setting: str) -> str:
    """The value of an environment variable, which a header must be able to hold.

    The HTTP library shows in its error what it refuses, so it is never given that.
    """
    allowed = r"[!-~]+" if setting == "api_key_env" else r"[ -~]+"
    # In no variable: a traceback may show those.
    if not re.fullmatch(allowed, os.environ.get(variable, "").strip()):
        raise UserError(
            f"judge {endpoint.model}: the environment variable {variable} is not set to {what}; "
            f"set it, or remove `{setting}` if the server needs none"
        )
    return os.environ[variable].strip()
