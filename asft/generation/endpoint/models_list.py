"""Whether a server can be reached: one GET of the list of its models, which costs nothing."""

import asyncio
from typing import Any

import openai

from asft.errors import UserError
from asft.generation.endpoint.client import Endpoint, check, open_client
from asft.generation.endpoint.faults import Fault, fault_of
from asft.generation.endpoint.scrubbing import scrubbed
from asft.generation.endpoint.server_errors import parsed

_NO_LIST = (404, 405, 501)


def list_models(endpoint: Endpoint, within_s: float) -> list[str] | None:
    """Ask a server for the names of its models.

    Args:
        within_s: the longest time in seconds that it may take.

    Returns:
        The names; None where the server answers, but keeps no such list.

    Raises:
        UserError: the endpoint is badly set up, no answer in time, or an error: in its own words.
    """
    check(endpoint)
    body = asyncio.run(_get(endpoint, within_s))
    listed: Any = parsed(body) if body is not None else None
    listed = listed.get("data") if isinstance(listed, dict) else None
    if not isinstance(listed, list):
        return None
    names = [entry.get("id") for entry in listed if isinstance(entry, dict)]
    return [scrubbed(str(name), *endpoint.secrets) for name in names if name]


async def _get(endpoint: Endpoint, within_s: float) -> bytes | None:
    try:
        async with asyncio.timeout(within_s), open_client(endpoint) as client:
            found: bytes = await client.get("/models", cast_to=bytes)
            return found
    except TimeoutError:
        fault = Fault(f"no whole reply within {within_s:g} s", "passing")
    except openai.APIError as error:
        if isinstance(error, openai.APIStatusError) and error.status_code in _NO_LIST:
            return None
        fault = fault_of(error, endpoint)
    # Raised out here so that it does not carry the client's error, which holds the headers.
    raise UserError(f"{fault}{'; ' if fault.advice else ''}{fault.advice}")
