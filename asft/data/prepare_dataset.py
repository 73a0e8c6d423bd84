"""Prepare preference data: from rows to pairs and token ids, with everything counted."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from asft.config import Dataset, Tokens, unpinned
from asft.data.card import Example, dataset_card
from asft.data.drops import Drops
from asft.data.pair_formats import FORMATS
from asft.data.pair_numbers import number_columns, numbers_of
from asft.data.rows import Row, Unusable, renamed
from asft.data.tokens import TokenPair, encode_pair, write_tokens
from asft.errors import UserError
from asft.files import write_json
from asft.parquet import write_parquet
from asft.records import Message, Pair

Usable = tuple[Pair, TokenPair, list[str]]


def prepare_pairs(
    dataset: Dataset,
    name: str,
    rows: list[Row],
    heldout_rows: list[Row] | None,
    tokenizer: Any,
    tokens: Tokens,
    out: Path,
) -> None:
    """Write `out`/pairs.parquet, `out`/tokens/ and, last, `out`/counts.json.

    Held out are the `dataset.heldout` pairs with the smallest ids, whatever the order of the rows:
    of `heldout_rows` where given (all of them if `heldout` is 0; a row that is also there is
    dropped from training as a duplicate), else of the pairs themselves.

    Raises:
        UserError: no rows, too many of them unusable, none left to train on, fewer than are to be
            held out, or plain strings beside conversations.
    """
    where = f"dataset {name!r} ({dataset.format})"
    rows = renamed(rows, dataset.columns, f"datasets.{name}.columns")
    if heldout_rows is not None:
        heldout_rows = renamed(heldout_rows, dataset.columns, f"datasets.{name}.columns")
    parse, seen = FORMATS[dataset.format], set[str]()

    def use(row: Row) -> Usable:
        pair = parse(row)
        if pair.id in seen:
            raise Unusable("duplicate")
        encoded, notes = encode_pair(pair, tokenizer, tokens)
        encoded = encoded._replace(numbers=numbers_of(row))
        seen.add(pair.id)
        return pair, encoded, notes

    drops = Drops()
    outside = None if heldout_rows is None else drops.sift(heldout_rows, "held-out row", use)
    inside = drops.sift(rows, "row", use)
    key = f"datasets.{name}.max_dropped_share"
    card = {"dataset": name, "format": dataset.format, **drops.counts()}
    try:
        drops.check(dataset.max_dropped_share, where, key)
    except UserError as error:
        write_json(out / "counts.json", card)  # of every reason
        raise UserError(f"{error}{_other_format(rows, dataset.format)}") from None
    _check_one_kind([*inside, *(outside or [])], where)
    examples = _split(inside, outside, dataset.heldout, f"datasets.{name}.heldout")
    _write_pairs(out / "pairs.parquet", examples)
    write_tokens(out / "tokens", [e.split for e in examples], [e.tokens for e in examples])
    card |= {"unpinned": unpinned([*dataset.sources, *dataset.heldout_sources])}
    card |= dataset_card(examples, tokenizer, tokens)
    write_json(out / "counts.json", card)


def _other_format(rows: list[Row], given: str) -> str:
    """A hint at formats that take more of the first rows than the given one does; else ""."""
    first = rows[:20]
    taken = {name: sum(_fits(parse, row) for row in first) for name, parse in FORMATS.items()}
    best = max(taken, key=lambda name: taken[name])
    if taken[best] <= taken[given]:
        return ""
    return f"; {taken[best]} of the first {len(first)} rows fit the format {best}"


def _fits(parse: Callable[[Row], Pair], row: Row) -> bool:
    try:
        parse(row)
    except Unusable:
        return False
    return True


def _check_one_kind(pairs: list[Usable], where: str) -> None:
    plain = sum(isinstance(pair.prompt, str) for pair, *_ in pairs)
    if 0 < plain < len(pairs):
        raise UserError(
            f"{where}: {plain} pairs are plain strings and {len(pairs) - plain} are conversations; "
            "make all of them one or the other"
        )


def _split(
    inside: list[Usable], outside: list[Usable] | None, count: int, key: str
) -> list[Example]:
    pool = inside if outside is None else outside
    if outside is not None and count == 0:
        count = len(outside)
    left = len(inside) - (count if outside is None else 0)
    if left < 1 or count > len(pool) or not pool:
        raise UserError(
            f"{key}: {count} pairs cannot be held out: {len(inside)} usable pairs to train on"
            + ("" if outside is None else f", {len(outside)} usable held-out pairs")
        )
    heldout = set(sorted(pair.id for pair, *_ in pool)[:count])
    if outside is not None:
        inside = [*inside, *(usable for usable in outside if usable[0].id in heldout)]
    return [Example("heldout" if u[0].id in heldout else "train", *u) for u in inside]


def _write_pairs(path: Path, examples: list[Example]) -> None:
    """Write the pairs as text; of messages' further fields, where there are any, their JSON."""
    pairs = [example.pair for example in examples]
    columns = {
        "id": pa.array([pair.id for pair in pairs], pa.string()),
        "split": pa.array([example.split for example in examples], pa.string()),
    }
    turns = [t for p in pairs for part in p[:3] if not isinstance(part, str) for t in part]
    fields = sorted({key for turn in turns for key in turn} - {"role", "content"})
    messages = pa.list_(pa.struct([(f, pa.string()) for f in ("role", "content", *fields)]))
    text = messages if turns else pa.string()
    for name in Pair._fields[:3]:
        columns[name] = pa.array([_plain(getattr(pair, name)) for pair in pairs], text)
    if any(pair.tools for pair in pairs):
        given = [
            json.dumps(pair.tools, ensure_ascii=False) if pair.tools else None for pair in pairs
        ]
        columns["tools"] = pa.array(given, pa.string())
    columns |= number_columns([example.tokens.numbers for example in examples])
    write_parquet(path, pa.table(columns))


def _plain(part: list[Message] | str) -> Any:
    if isinstance(part, str):
        return part
    return [{k: v if isinstance(v, str) else _json(v) for k, v in t.items()} for t in part]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
