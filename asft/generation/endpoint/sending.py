"""Send one request, and read what comes back: an answer, or a fault."""

import asyncio

import openai

from asft.generation.endpoint.client import Endpoint
from asft.generation.endpoint.faults import Fault, fault_of
from asft.generation.endpoint.replies import read_answer
from asft.generation.endpoint.scrubbing import encodable
from asft.generation.endpoint.store import Reply
from asft.records import Message


async def send(client: openai.AsyncOpenAI, endpoint: Endpoint, messages: list[Message]) -> Reply:
    """Send one request and return its answer.

    Raises:
        Fault: there is none, or no whole reply within `timeout_s`; says why.
    """
    sent = [{**message, "content": encodable(message["content"])} for message in messages]
    body = {"messages": sent, "model": endpoint.model, **endpoint.parameters}
    try:
        async with asyncio.timeout(endpoint.timeout_s):
            # Not `chat.completions.create`, which walks over all messages once more: with many
            # calls at a time that is what they wait for.
            reply: bytes = await client.post("/chat/completions", cast_to=bytes, body=body)
    except TimeoutError:
        fault = Fault(f"no whole reply within {endpoint.timeout_s:g} s", "passing")
    except openai.APIError as error:
        fault = fault_of(error, endpoint)
    else:
        return read_answer(reply, endpoint)
    # Raised out here so that it does not carry the client's error, which holds the headers.
    raise fault
