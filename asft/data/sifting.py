"""Rows sifted: usable pairs wait in a file with their token ids, what is counted stays."""

import gc
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from asft.config import Tokens
from asft.data.card import Example
from asft.data.drops import Drops
from asft.data.encoding import Encoded, encode_pairs
from asft.data.pair_numbers import numbers_of
from asft.data.rows import Row, Unusable, in_groups
from asft.data.spool import Spool
from asft.data.token_pair import TokenPair
from asft.data.tokens import Split, packed, unpacked
from asft.files import fingerprint
from asft.progress import Bar
from asft.records import Pair

T = TypeVar("T")
BATCH = 500  # rows whose texts are tokenised together
Parsed: TypeAlias = "tuple[str, Row, tuple[str, Pair] | Unusable]"


class Sifted:
    """Usable pairs in the order of their rows."""

    def __init__(self, folder: Path) -> None:
        self.examples: list[Example] = []
        self.fields: set[str] = set()  # of messages
        self.with_tools = False
        self._pairs = Spool[Pair](folder, _as_json, _of_json)
        self._tokens = Spool[TokenPair](folder, packed, unpacked)
        self._splits: list[Split | None] = []

    def add(self, found: list[tuple[Example, Pair, TokenPair]]) -> None:
        """Add usable pairs; all are of the training split until `assign`."""
        examples, pairs, tokens = zip(*found, strict=True)
        self.examples += examples
        self._pairs.add(pairs)
        self._tokens.add(tokens)
        self.with_tools |= any(pair.tools for pair in pairs)
        parts = [part for p in pairs for part in p[:3] if not isinstance(part, str)]
        self.fields.update(chain.from_iterable(chain.from_iterable(parts)))

    def assign(self, split_of: Callable[[str], Split | None]) -> None:
        """Give each pair its split by its id; one without is left out from here on."""
        self._splits = [split_of(example.id) for example in self.examples]

    def kept(self) -> Iterator[Example]:
        """What is counted of the pairs that have a split."""
        for split, example in zip(self._splits, self.examples, strict=True):
            if split:
                yield example._replace(split=split)

    def pairs(self) -> Iterator[tuple[Split, Example, Pair]]:
        """The texts of the pairs that have a split."""
        for split, example, pair in zip(self._splits, self.examples, self._pairs, strict=True):
            if split:
                yield split, example, pair

    def tokens(self) -> Iterator[tuple[Split, TokenPair]]:
        """The token ids of the pairs that have a split."""
        for split, ids in zip(self._splits, self._tokens, strict=True):
            if split:
                yield split, ids


def _collected(groups: Iterable[T]) -> Iterator[T]:
    """Yield groups, with garbage looked for between two of them instead of whenever Python likes.

    That was a tenth of the time. What is left behind a group stays, so it is not looked at again.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        for group in groups:
            yield group
            gc.collect()
            gc.freeze()
    finally:
        if enabled:
            gc.enable()


def _as_json(pairs: Sequence[Pair]) -> bytes:
    return json.dumps(pairs, ensure_ascii=False).encode()


def _of_json(content: bytes) -> list[Pair]:
    return [Pair(*parts) for parts in json.loads(content)]


class Sifter:
    """Parses and encodes rows; a pair that was seen before, in any of them, is a duplicate."""

    def __init__(
        self,
        parse: Callable[[Row], Pair],
        tokenizer: Any,
        tokens: Tokens,
        drops: Drops,
        folder: Path,
    ) -> None:
        self._parse, self._tokenizer, self._tokens = parse, tokenizer, tokens
        self._drops, self._folder = drops, folder
        self._seen: set[str] = set()

    def sift(self, rows: Iterable[Row], label: str) -> Sifted:
        """Sift rows; those that cannot be used are counted by reason."""
        sifted = Sifted(self._folder)
        numbered = enumerate(Bar(rows, desc=f"{label}s", unit=label), 1)
        for group in _collected(in_groups(numbered, BATCH)):
            parsed = [(f"{label} {number}", row, self._parsed(row)) for number, row in group]
            if found := self._usable(parsed):
                sifted.add(found)
        return sifted

    def _parsed(self, row: Row) -> tuple[str, Pair] | Unusable:
        try:
            pair = self._parse(row)
        except Unusable as fault:
            return fault
        return pair.id, pair

    def _usable(self, group: list[Parsed]) -> list[tuple[Example, Pair, TokenPair]]:
        pairs = dict(pair for *_, pair in group if not isinstance(pair, Unusable))
        new = {name: pair for name, pair in pairs.items() if name not in self._seen}
        encoded = encode_pairs(new, self._tokenizer, self._tokens)
        usable = []
        for where, row, pair in group:
            self._drops.rows += 1
            try:
                usable.append(self._used(row, pair, encoded))
            except Unusable as fault:
                self._drops.count(fault, where)
        return usable

    def _used(
        self,
        row: Row,
        parsed: tuple[str, Pair] | Unusable,
        encoded: dict[str, Encoded | Unusable],
    ) -> tuple[Example, Pair, TokenPair]:
        if isinstance(parsed, Unusable):
            raise parsed
        name, pair = parsed
        if name in self._seen:
            raise Unusable("duplicate")
        found = encoded[name]
        if isinstance(found, Unusable):
            raise found
        tokens, notes = found
        tokens = tokens._replace(numbers=numbers_of(row))
        self._seen.add(name)
        prompt, plain = bytes.fromhex(fingerprint(pair.prompt)), isinstance(pair.prompt, str)
        lengths = (len(tokens.prompt), len(tokens.chosen), len(tokens.rejected))
        example = Example("train", name, prompt, plain, lengths, tokens.numbers, tuple(notes))
        return example, pair, tokens
