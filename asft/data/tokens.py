"""Pairs as token ids, and the folder that keeps them (`tokens/pairs.parquet`).

Prompt and completion are tokenised apart, so that no token straddles their boundary and a prompt
has the ids that generation gives it (`encode_prompt` serves both). The end-of-turn token is the
last id of a completion, also where it doubles as padding. Imports no torch; the tokenizer is any
fast one of transformers.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from asft.config import PARTS, Tokens
from asft.data.control_tokens import MARKED
from asft.data.pair_numbers import number_columns
from asft.data.rendering import render_pair, render_prompt
from asft.data.rows import Unusable
from asft.errors import UserError
from asft.parquet import read_parquet, write_parquet
from asft.records import NO_NUMBERS, Message, Pair, PairNumbers

Ids: TypeAlias = NDArray[np.int32]
Split: TypeAlias = Literal["train", "heldout"]
FILE = "pairs.parquet"
# Characters on either side of the boundary that can take part in a merge across it.
_WINDOW = 200


class TokenPair(NamedTuple):
    """Token ids of one pair; the completions do not repeat the prompt.

    Of rows that hold a single completion the other one is empty.
    """

    id: str
    prompt: Ids
    chosen: Ids
    rejected: Ids
    numbers: PairNumbers[float] = NO_NUMBERS


_LISTS = ("prompt", "chosen", "rejected")


def encode_pair(pair: Pair, tokenizer: Any, tokens: Tokens) -> tuple[TokenPair, list[str]]:
    """Return the token ids of a pair, and notes that the data card counts.

    Notes: `boundary_merges` (prompt and completion as one text would have other ids), `double_bos`
    (the text began with more than one BOS; one is left), `truncated_chosen`, `truncated_rejected`
    (cut at the end to max_length: the end token is lost), `unrendered_system` and the like (the
    chat template leaves that part of the pair out).

    Raises:
        Unusable: empty_prompt (it has no tokens), overlong_prompt, identical_as_rendered,
            identical_after_truncation, unrendered_…, or as `render_pair`.
        UserError: as `render_pair`.
    """
    text = render_pair(pair, tokenizer, plain_is_rendered=tokens.special_tokens_in_plain_text)
    if lost := PARTS.intersection(text.unrendered).difference(tokens.keep_without):
        raise Unusable(f"unrendered_{min(lost)}")
    prompt, notes = _encode_start(text.prompt, tokenizer)
    notes += [f"unrendered_{part}" for part in text.unrendered]
    if not prompt:
        raise Unusable("empty_prompt")  # its last token predicts the first of a completion
    room = tokens.max_length - len(prompt)
    if len(prompt) > (tokens.max_prompt_length or tokens.max_length) or room < 1:
        raise Unusable("overlong_prompt")
    chosen, rejected = _encode_rest(text.chosen, tokenizer), _encode_rest(text.rejected, tokenizer)
    if chosen[:room] == rejected[:room]:  # of a row of one completion one is empty
        raise Unusable(f"identical_{'as_rendered' if chosen == rejected else 'after_truncation'}")
    if len(chosen) > room:
        notes.append("truncated_chosen")
    if len(rejected) > room:
        notes.append("truncated_rejected")
    if any(_merges(text.prompt, rest, tokenizer) for rest in (text.chosen, text.rejected)):
        notes.append("boundary_merges")
    ids = [_ids(part) for part in (prompt, chosen[:room], rejected[:room])]
    return TokenPair(pair.id, ids[0], ids[1], ids[2]), notes


def encode_prompt(prompt: list[Message], tokenizer: Any) -> list[int]:
    """Return the ids of a prompt up to its completion, with one BOS where the model uses one.

    Raises:
        Unusable: template_refused.
        UserError: the tokenizer has no chat template.
    """
    return _encode_start(render_prompt(prompt, tokenizer), tokenizer)[0]


def write_tokens(folder: Path, splits: Sequence[Split], pairs: Sequence[TokenPair]) -> None:
    """Write `folder`/pairs.parquet: id, split, list<int32> prompt, chosen, rejected, numbers."""
    columns = {name: _list_array([getattr(p, name) for p in pairs]) for name in _LISTS}
    columns |= number_columns([pair.numbers for pair in pairs])
    ids = pa.array([pair.id for pair in pairs], pa.string())
    table = pa.table({"id": ids, "split": pa.array(splits, pa.string()), **columns})
    write_parquet(folder / FILE, table)


def read_tokens(folder: Path, split: Split) -> Sequence[TokenPair]:
    """Read the pairs of one split in file order, as read-only views into one buffer per column.

    Raises:
        UserError: the folder holds no tokens, or damaged ones.
    """
    path = folder / FILE
    if not path.is_file():
        raise UserError(f"{path}: no such file; make it with `asft prepare-dataset`")
    table = read_parquet(path)
    if missing := {"id", "split", *_LISTS}.difference(table.column_names):
        raise UserError(f"{path}: no column {min(missing)}; delete it and rerun")
    # Not by `filters`: they trust statistics in the footer, which has no checksum.
    return _TokenPairs(table.filter(pc.equal(table["split"], split)))


class _TokenPairs(Sequence[TokenPair]):
    def __init__(self, table: Any) -> None:
        self._ids: list[str] = table["id"].to_pylist()
        self._columns: list[tuple[Any, Ids]] = []
        for name in _LISTS:
            column = table[name].combine_chunks()
            self._columns.append((column.offsets.to_numpy(), column.values.to_numpy()))
        numbers = [
            table[name].to_numpy() if name in table.column_names else np.full(len(table), nothing)
            for name, nothing in NO_NUMBERS._asdict().items()
        ]
        self._numbers = np.stack(numbers, axis=1)

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, index: int) -> TokenPair: ...
    @overload
    def __getitem__(self, index: slice) -> list[TokenPair]: ...
    def __getitem__(self, index: int | slice) -> TokenPair | list[TokenPair]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        i = range(len(self))[index]
        prompt, chosen, rejected = (ids[at[i] : at[i + 1]] for at, ids in self._columns)
        numbers = PairNumbers(*self._numbers[i].tolist())
        return TokenPair(self._ids[i], prompt, chosen, rejected, numbers)


def _list_array(rows: list[Ids]) -> Any:
    ends = np.cumsum([len(row) for row in rows], dtype=np.int64)
    offsets = pa.array([0, *ends], pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.array(np.concatenate(rows)))


def _encode_start(text: str, tokenizer: Any) -> tuple[list[int], list[str]]:
    """Ids of text that begins a sequence, with one BOS if the text or the tokenizer puts one."""
    first, *others = MARKED.split(text)
    ids: list[int] = tokenizer.encode(first, add_special_tokens=False)
    ids += _encode_pieces(others, tokenizer, first_is_marked=True)
    bos = tokenizer.bos_token_id
    leading = next((i for i, token in enumerate(ids) if token != bos), len(ids))
    if leading == 0 and _adds_bos(tokenizer):
        return [bos, *ids], []
    return (ids[leading - 1 :], ["double_bos"]) if leading > 1 else (ids, [])


def _encode_rest(text: str, tokenizer: Any) -> list[int]:
    """Ids of text that continues a sequence."""
    return _encode_pieces(MARKED.split(text), tokenizer, first_is_marked=False)


def _encode_pieces(pieces: Iterable[str], tokenizer: Any, *, first_is_marked: bool) -> list[int]:
    """Ids of pieces, every second one marked; none of them begins the sequence."""
    newline = _newline(tokenizer)
    ids: list[int] = []
    marked = first_is_marked
    for piece in pieces:
        options = {"add_special_tokens": False, "split_special_tokens": marked}
        # SentencePiece puts a space before text that it is given, but not behind a newline.
        anchored = tokenizer.encode("\n" + piece, **options)
        if anchored[: len(newline)] == newline:
            ids += anchored[len(newline) :]
        else:
            ids += tokenizer.encode(piece, **options)
        marked = not marked
    return ids


def _merges(start: str, rest: str, tokenizer: Any) -> bool:
    start, rest = start[-_WINDOW:], rest[:_WINDOW]
    apart = _encode_rest(start, tokenizer) + _encode_rest(rest, tokenizer)
    return _encode_rest(start + rest, tokenizer) != apart


@lru_cache(maxsize=4)
def _newline(tokenizer: Any) -> list[int]:
    return list(tokenizer.encode("\n", add_special_tokens=False))


@lru_cache(maxsize=4)
def _adds_bos(tokenizer: Any) -> bool:
    bos = tokenizer.bos_token_id
    return bos is not None and tokenizer("a").input_ids[:1] == [bos]


def _ids(values: list[int]) -> Ids:
    return np.asarray(values, dtype=np.int32)
