"""Write docs/servers.md: `python docs/servers.py`.

Its rows are those of tests/server_shapes.yaml, which the tests play.
"""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from asft.generation.endpoint.dialects import ENDINGS

PAGE = Path(__file__).with_suffix(".md")
SHAPES = PAGE.parents[1] / "tests" / "server_shapes.yaml"
LONGEST = 150  # characters of what a server sends
OURS = {
    "answer": "an answer",
    "truncated": "an answer that was cut off: one request",
    "moderated": "this call has no answer: moderation",
    "too_long": "this call has no answer: too long",
    "passing": "asked again",
    "refused": "this call has no answer, once another has one; else the run stops",
    "fatal": "the run stops",
}
HEAD = """# Servers

What servers are known to send in place of a plain answer, and what becomes of it. Written by `python docs/servers.py` from
`tests/server_shapes.yaml`, whose every row `tests/unit/generation/test_endpoint_dialects_of_products.py` plays on a real connection: one row
alone by `pytest -k NAME`. The replies are restated and shortened. A shape that is not here is a row there; what it takes to understand
one, see [your-judge.md](your-judge.md#use-another-server).

Real servers, not played: llama.cpp's (`tests/oracle/test_llama_cpp_server.py`, build 11549, from the wheel `xllamacpp`) and
`transformers serve` (`tests/oracle/test_transformers_serve.py` as a judge, `tests/oracle/test_served_generation.py` for a policy).

| product | seen in | name | it sends | what becomes of it | source |
|---|---|---|---|---|---|
"""
ENDS = """
## Why a reply ended

Words of all servers, in any case of letters; another word is kept as it came.

| in our files | words |
|---|---|
"""


def page() -> str:
    """Return the page as it should be."""
    products = yaml.safe_load(SHAPES.read_text(encoding="utf-8"))
    rows = [
        _row(product, name, shape)
        for product, shapes in products.items()
        for name, shape in shapes.items()
    ]
    endings = "".join(
        f"| {ours} | {' '.join(f'`{word}`' for word, ending in ENDINGS.items() if ending == ours)} |\n"
        for ours in dict.fromkeys(ENDINGS.values())
    )
    return HEAD + "".join(rows) + ENDS + endings


def _row(product: str, name: str, shape: dict[str, Any]) -> str:
    cells = (
        product,
        f"{shape['seen'] or '–'}",
        name,
        _reply(shape["reply"]),
        _ours(shape["ours"]),
        _source(shape["source"]),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _reply(reply: dict[str, Any]) -> str:
    sent = (
        reply["body"]
        if "body" in reply
        else {k: reply[k] for k in ("choice", "usage") if k in reply}
    )
    text = json.dumps(sent, ensure_ascii=False).replace("`", "'")
    text = text if len(text) <= LONGEST else text[:LONGEST] + "…"
    headers = "".join(f" `{name}: {value}`" for name, value in reply.get("headers", {}).items())
    return f"{reply.get('status', 200)}{headers} `{text}`"


def _ours(ours: dict[str, Any]) -> str:
    words = OURS[ours["state"]]
    if ours["state"] == "answer" and not ours["text"]:
        words += ", empty: no verdict"
    if ours.get("thinking"):
        words += "; thinking apart"
    if ours.get("wait"):
        words += f" after {ours['wait']:.3g} s"
    return words


def _source(source: str) -> str:
    issue = re.fullmatch(r"([\w.-]+/[\w.-]+)#(\d+)", source)
    return (
        f"[{source}](https://github.com/{issue[1]}/issues/{issue[2]})" if issue else f"`{source}`"
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
