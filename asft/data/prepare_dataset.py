"""Prepare preference data: from rows to pairs and token ids, with everything counted."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from asft.config import Dataset, Tokens, unpinned
from asft.data.card import Example, dataset_card
from asft.data.drops import Drops
from asft.data.pair_formats import FORMATS
from asft.data.rows import Row, Unusable
from asft.data.tokens import TokenPair, encode_pair, write_tokens
from asft.errors import UserError
from asft.files import write_json
from asft.parquet import write_parquet
from asft.records import Pair

Usable = tuple[Pair, TokenPair, list[str]]
_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))


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
    parse, seen = FORMATS[dataset.format], set[str]()

    def use(row: Row) -> Usable:
        pair = parse(row)
        if pair.id in seen:
            raise Unusable("duplicate")
        encoded, notes = encode_pair(pair, tokenizer, tokens)
        seen.add(pair.id)
        return pair, encoded, notes

    drops = Drops()
    outside = None if heldout_rows is None else drops.sift(heldout_rows, "held-out row", use)
    inside = drops.sift(rows, "row", use)
    where = f"dataset {name!r} ({dataset.format})"
    drops.check(dataset.max_dropped_share, where, f"datasets.{name}.max_dropped_share")
    _check_one_kind([*inside, *(outside or [])], where)
    examples = _split(inside, outside, dataset.heldout, f"datasets.{name}.heldout")
    _write_pairs(out / "pairs.parquet", examples)
    write_tokens(out / "tokens", [e.split for e in examples], [e.tokens for e in examples])
    card = {"dataset": name, "format": dataset.format, **drops.counts()}
    card |= {"unpinned": unpinned([*dataset.sources, *dataset.heldout_sources])}
    card |= dataset_card(examples, tokenizer, tokens)
    write_json(out / "counts.json", card)


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
    text = pa.string() if isinstance(examples[0].pair.prompt, str) else _MESSAGES
    columns = {
        "id": pa.array([example.pair.id for example in examples], pa.string()),
        "split": pa.array([example.split for example in examples], pa.string()),
    }
    for name in Pair._fields:
        columns[name] = pa.array([getattr(example.pair, name) for example in examples], text)
    write_parquet(path, pa.table(columns))
