"""Replies of known servers (tests/server_shapes.yaml), played by a real one: what becomes of each.

docs/servers.md shows the same rows.
"""

import asyncio
import json
import runpy
from pathlib import Path

import pytest
import yaml
from judge_calls import endpoint, questions
from judge_server import JudgeServer, Reply

from asft.generation.endpoint.client import open_client
from asft.generation.endpoint.faults import Fault
from asft.generation.endpoint.sending import send

TESTS = Path(__file__).parents[2]
PRODUCTS = yaml.safe_load((TESTS / "server_shapes.yaml").read_text(encoding="utf-8"))
SHAPES = {name: shape for shapes in PRODUCTS.values() for name, shape in shapes.items()}


def played(reply):
    choices = {"choices": [reply.get("choice")], "usage": reply.get("usage")}
    body = json.dumps(reply.get("body", choices)).encode()
    return Reply(body, reply.get("status", 200), tuple(reply.get("headers", {}).items()))


def sent(url):
    judge = endpoint(url, max_wait_s=120)

    async def one():
        async with open_client(judge) as client:
            return await send(client, judge, questions(1)[0].messages)

    return asyncio.run(one())


def outcome(reply):
    with JudgeServer([played(reply)]) as server:
        try:
            answer = sent(server.url)
        except Fault as fault:
            return {"state": fault.state, "wait": fault.wait, "words": str(fault)}
    found = {"state": answer.state, "text": answer.text, "thinking": answer.thinking}
    return found | {"tokens": answer.completion_tokens}


@pytest.mark.parametrize("name", SHAPES)
def test_what_becomes_of_each_reply(name):
    expected, found = dict(SHAPES[name]["ours"]), outcome(SHAPES[name]["reply"])
    assert expected.pop("words", "") in found.get("words", "")
    assert {key: found[key] for key in expected} == expected


def test_the_page_of_servers_is_in_step():
    page = TESTS.parent / "docs/servers.md"
    script = runpy.run_path(str(page.with_suffix(".py")))
    assert page.read_text(encoding="utf-8") == script["page"](), "write it: python docs/servers.py"
