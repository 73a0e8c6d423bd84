"""The pairs of a data set as text: `pairs.parquet`."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from asft.data.card import Example
from asft.data.pair_numbers import number_columns
from asft.data.rows import in_groups
from asft.data.sifting import Sifted
from asft.data.tokens import Split
from asft.parquet import GROUP, read_groups, write_groups
from asft.records import Message, Pair

TEXTS = Pair._fields[:3]


def write_pairs(path: Path, parts: Sequence[Sifted], numbers: Sequence[str]) -> None:
    """Write pairs as text; of messages' further fields, where there are any, their JSON.

    Args:
        numbers: those that are said of any pair.
    """
    fields = set().union(*(part.fields for part in parts))
    said = ("role", "content", *sorted(fields - {"role", "content"}))
    text = pa.list_(pa.struct([(name, pa.string()) for name in said])) if fields else pa.string()
    columns = [("id", pa.string()), ("split", pa.string()), *((name, text) for name in TEXTS)]
    if any(part.with_tools for part in parts):
        columns.append(("tools", pa.string()))
    schema = pa.schema([*columns, *((name, pa.float64()) for name in numbers)])
    groups = in_groups(chain.from_iterable(part.pairs() for part in parts), GROUP)
    write_groups(path, schema, (_table(group, schema, numbers) for group in groups))


def read_pairs(path: Path) -> Iterator[tuple[Split, Pair]]:
    """Read the pairs that `write_pairs` wrote, each with its split.

    Raises:
        UserError: no such file, or a damaged one.
    """
    for group in read_groups(path):
        for row in group.to_pylist():
            prompt, chosen, rejected = (_said(row[name]) for name in TEXTS)
            tools = json.loads(row["tools"]) if row.get("tools") else None
            yield row["split"], Pair(prompt, chosen, rejected, tools)


def _said(part: Any) -> Any:
    if isinstance(part, str):
        return part
    return [{k: _value(k, v) for k, v in turn.items() if v is not None} for turn in part]


def _value(key: str, text: str) -> Any:
    """What a field holds: a text, or what was written as its JSON."""
    if key in Message.__annotations__ or text[:1] not in ("[", "{"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _table(
    group: Iterable[tuple[Split, Example, Pair]], schema: pa.Schema, numbers: Sequence[str]
) -> pa.Table:
    splits, examples, pairs = zip(*group, strict=True)
    columns: dict[str, Any] = {"id": [example.id for example in examples], "split": splits}
    columns |= {name: [_plain(getattr(pair, name)) for pair in pairs] for name in TEXTS}
    if "tools" in schema.names:
        columns["tools"] = [_json(pair.tools) if pair.tools else None for pair in pairs]
    columns |= number_columns([example.numbers for example in examples], numbers)
    return pa.table({name: columns[name] for name in schema.names}, schema=schema)


def _plain(part: list[Message] | str) -> Any:
    if isinstance(part, str):
        return part
    return [{k: v if isinstance(v, str) else _json(v) for k, v in t.items()} for t in part]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
