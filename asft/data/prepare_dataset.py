"""Prepare preference data: from rows to pairs and token ids, with everything counted."""

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from asft.config import Dataset, Tokens, unpinned
from asft.data.card import Example, dataset_card
from asft.data.drops import Drops
from asft.data.pair_formats import FORMATS
from asft.data.pair_numbers import said_of_any
from asft.data.pair_table import write_pairs
from asft.data.rows import Row, Unusable, in_groups, renamed
from asft.data.sifting import Sifted, Sifter
from asft.data.tokens import write_token_groups
from asft.errors import UserError
from asft.files import write_json
from asft.parquet import GROUP
from asft.records import Pair


def prepare_pairs(
    dataset: Dataset,
    name: str,
    rows: Iterable[Row],
    heldout_rows: Iterable[Row] | None,
    tokenizer: Any,
    tokens: Tokens,
    out: Path,
) -> None:
    """Write `out`/pairs.parquet, `out`/tokens/ and, last, `out`/counts.json.

    Held out are the `dataset.heldout` pairs with the smallest ids, whatever the order of the rows:
    of `heldout_rows` where given (all of them if `heldout` is 0; a row that is also there is
    dropped from training as a duplicate), else of the pairs themselves. Rows are gone through more
    than once, and are never in memory together.

    Raises:
        UserError: no rows, too many of them unusable, none left to train on, fewer than are to be
            held out, or plain strings beside conversations.
    """
    where = f"dataset {name!r} ({dataset.format})"
    rows = renamed(rows, dataset.columns, f"datasets.{name}.columns")
    if heldout_rows is not None:
        heldout_rows = renamed(heldout_rows, dataset.columns, f"datasets.{name}.columns")
    drops = Drops()
    sifter = Sifter(FORMATS[dataset.format], tokenizer, tokens, drops, out)
    outside = None if heldout_rows is None else sifter.sift(heldout_rows, "held-out row")
    inside = sifter.sift(rows, "row")
    key = f"datasets.{name}.max_dropped_share"
    card = {"dataset": name, "format": dataset.format, **drops.counts()}
    try:
        drops.check(dataset.max_dropped_share, where, key)
    except UserError as error:
        write_json(out / "counts.json", card)  # of every reason
        raise UserError(f"{error}{_other_format(rows, dataset.format)}") from None
    parts = [inside] if outside is None else [inside, outside]
    _check_one_kind([example for part in parts for example in part.examples], where)
    _split(inside, outside, dataset.heldout, f"datasets.{name}.heldout")
    examples = [example for part in parts for example in part.kept()]
    numbers = said_of_any(example.numbers for example in examples)
    write_pairs(out / "pairs.parquet", parts, numbers)
    ids = ((split, ids) for part in parts for split, ids in part.tokens())
    write_token_groups(out / "tokens", in_groups(ids, GROUP), numbers)
    card |= {"unpinned": unpinned([*dataset.sources, *dataset.heldout_sources])}
    card |= dataset_card(examples, tokenizer, tokens)
    write_json(out / "counts.json", card)


def _other_format(rows: Iterable[Row], given: str) -> str:
    """A hint at formats that take more of the first rows than the given one does; else ""."""
    first = list(islice(rows, 20))
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


def _check_one_kind(examples: list[Example], where: str) -> None:
    plain = sum(example.plain for example in examples)
    if 0 < plain < len(examples):
        raise UserError(
            f"{where}: {plain} pairs are plain strings and {len(examples) - plain} are"
            " conversations; make all of them one or the other"
        )


def _split(inside: Sifted, outside: Sifted | None, count: int, key: str) -> None:
    """Set aside the held-out pairs; of those from elsewhere the others are left out."""
    pool = inside if outside is None else outside
    if outside is not None and count == 0:
        count = len(outside.examples)
    left = len(inside.examples) - (count if outside is None else 0)
    if left < 1 or count > len(pool.examples) or not pool.examples:
        usable = f"{len(inside.examples)} usable pairs to train on"
        more = "" if outside is None else f", {len(outside.examples)} usable held-out pairs"
        raise UserError(f"{key}: {count} pairs cannot be held out: {usable}{more}")
    heldout = set(sorted(example.id for example in pool.examples)[:count])
    inside.assign(lambda name: "heldout" if name in heldout else "train")
    if outside is not None:
        outside.assign(lambda name: "heldout" if name in heldout else None)
