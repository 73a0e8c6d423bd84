"""Explain what is wrong with a config, a line for each fault: key, and nearest right name."""

import re
from typing import Any

from pydantic import ValidationError

from asft.errors import nearest

Schema = dict[str, Any]


def explain(error: ValidationError, schema: Schema) -> list[str]:
    """Describe each fault of a config in one line.

    Args:
        schema: JSON schema of what was validated; says which keys there are.
    """
    # A union tells its fault once per member.
    return list(dict.fromkeys(_line(fault, schema) for fault in error.errors()))


def _line(fault: Any, schema: Schema) -> str:
    path = [str(part) for part in fault["loc"]]
    # Behind a benchmark's name stands which kind it is, which is no key.
    key, given = ".".join(path[:2] + path[3:] if path[0] == "benchmarks" else path), fault["input"]
    match fault["type"]:
        case "extra_forbidden":
            return f"{key}: unknown key{nearest(path[-1], _keys(schema, path[:-1]))}"
        case "literal_error" if isinstance(given, str):
            choices = re.findall(r"'([^']*)'", fault["ctx"]["expected"])
            return f"{key}: {fault['msg']} (given: {given!r}){_near(given, choices)}"
        case "source_kind" if isinstance(given, dict):
            kinds = fault["ctx"]["kinds"].split(", ")
            return f"{key}: {fault['msg']} (given: {', '.join(map(str, given))})" + next(
                filter(None, (_near(str(name), kinds) for name in given)), ""
            )
        case "value_error":
            message = fault["msg"].removeprefix("Value error, ")
            return f"{key}: {message}" if key else message
        case "missing":
            return f"{key}: {fault['msg']}"
    return f"{key}: {fault['msg']} (given: {given!r:.80})"


def _near(name: str, choices: list[str]) -> str:
    """`nearest`, but nothing if none is close: the line lists the choices already."""
    hint = nearest(name, choices)
    return hint if "did you mean" in hint else ""


def _keys(schema: Schema, path: list[str]) -> list[str]:
    """The keys allowed at `path`."""
    nodes = _alternatives(schema, schema)
    for part in path:
        inside = [child for node in nodes for child in _children(node, part)]
        # Pydantic names the member of a tagged union (a source's kind) between index and key.
        nodes = (
            [option for child in inside for option in _alternatives(child, schema)]
            if inside and len(nodes) == 1
            else [node for node in nodes if part in node.get("properties", {})]
        )
    return list(dict.fromkeys(key for node in nodes for key in node.get("properties", {})))


def _children(node: Schema, part: str) -> list[Schema]:
    found = [node.get("properties", {}).get(part), node.get("items")]
    found += node.get("patternProperties", {}).values()
    found.append(node.get("additionalProperties"))
    return [child for child in found if isinstance(child, dict)][:1]


def _alternatives(node: Schema, schema: Schema) -> list[Schema]:
    """A node's members if it is a union, without those that hold no keys (null, numbers)."""
    if "$ref" in node:
        return _alternatives(schema["$defs"][node["$ref"].rpartition("/")[2]], schema)
    if members := node.get("anyOf") or node.get("oneOf"):
        options = [option for member in members for option in _alternatives(member, schema)]
        return [option for option in options if option.get("type") in ("object", "array")]
    return [node]
