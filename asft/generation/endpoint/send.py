"""One request to the server: an answer, or the fault that it is."""

import asyncio
from typing import Any, cast

import openai

from asft.generation.endpoint.client import Endpoint
from asft.generation.endpoint.faults import Fault, fault_of
from asft.generation.endpoint.replies import read_answer
from asft.generation.endpoint.scrubbing import encodable
from asft.generation.endpoint.store import Reply
from asft.records import Message


async def send(client: openai.AsyncOpenAI, endpoint: Endpoint, messages: list[Message]) -> Reply:
    """Send a request once and return the answer.

    Raises:
        Fault: there is none.
    """
    sent = [{**message, "content": encodable(message["content"])} for message in messages]
    try:
        async with asyncio.timeout(endpoint.timeout_s):
            reply = await client.chat.completions.with_raw_response.create(
                model=endpoint.model,
                messages=cast(Any, sent),
                extra_body=endpoint.parameters,
            )
    except TimeoutError:
        late = f"no whole reply within {endpoint.timeout_s:g} s"
        fault = Fault(late, "passing")
    except openai.APIError as error:
        fault = fault_of(error, endpoint)
    else:
        return read_answer(reply.content, endpoint)
    # Raised out here so that it does not carry the client's error, which holds the headers.
    raise fault
