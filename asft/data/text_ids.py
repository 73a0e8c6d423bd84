"""Texts as token ids, many at a time: those that begin a sequence, and those that continue one."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from asft.data.control_tokens import MARKED


def encode_starts(texts: Sequence[str], tokenizer: Any) -> list[tuple[list[int], list[str]]]:
    """Ids of texts that begin a sequence, with one BOS if text or tokenizer puts one, and notes."""
    pieces = [MARKED.split(text) for text in texts]
    firsts = _encode([first for first, *_ in pieces], tokenizer)
    return [
        _with_one_bos(ids + _encode_pieces(others, tokenizer, first_is_marked=True), tokenizer)
        for ids, (_, *others) in zip(firsts, pieces, strict=True)
    ]


def _with_one_bos(ids: list[int], tokenizer: Any) -> tuple[list[int], list[str]]:
    bos = tokenizer.bos_token_id
    leading = next((i for i, token in enumerate(ids) if token != bos), len(ids))
    if leading == 0 and _adds_bos(tokenizer):
        return [bos, *ids], []
    return (ids[leading - 1 :], ["double_bos"]) if leading > 1 else (ids, [])


def encode_rests(texts: Sequence[str], tokenizer: Any) -> list[list[int]]:
    """Ids of texts that each continue a sequence."""
    newline = _newline(tokenizer)
    found = []
    # SentencePiece puts a space before text that it is given, but not behind a newline.
    for text, ids in zip(texts, _encode(["\n" + t for t in texts], tokenizer), strict=True):
        if MARKED.search(text):
            pieces = MARKED.split(text)
            found.append(_encode_pieces(pieces, tokenizer, first_is_marked=False))
        elif ids[: len(newline)] == newline:
            found.append(ids[len(newline) :])
        else:
            found += _encode([text], tokenizer)
    return found


def _encode_pieces(pieces: Iterable[str], tokenizer: Any, *, first_is_marked: bool) -> list[int]:
    """Ids of pieces, every second one marked; none of them begins the sequence."""
    newline = _newline(tokenizer)
    ids: list[int] = []
    marked = first_is_marked
    for piece in pieces:
        (anchored,) = _encode(["\n" + piece], tokenizer, as_text=marked)
        if anchored[: len(newline)] == newline:
            ids += anchored[len(newline) :]
        else:
            ids += _encode([piece], tokenizer, as_text=marked)[0]
        marked = not marked
    return ids


def _encode(texts: list[str], tokenizer: Any, *, as_text: bool = False) -> list[list[int]]:
    """Ids of texts as they are; with `as_text` special tokens in them are text."""
    backend = tokenizer.backend_tokenizer  # keeps no offsets, which nobody asks for
    backend.no_truncation()
    backend.no_padding()
    backend.encode_special_tokens = as_text
    return [found.ids for found in backend.encode_batch_fast(texts, add_special_tokens=False)]


@lru_cache(maxsize=4)
def _newline(tokenizer: Any) -> list[int]:
    return _encode(["\n"], tokenizer)[0]


@lru_cache(maxsize=4)
def _adds_bos(tokenizer: Any) -> bool:
    bos = tokenizer.bos_token_id
    return bos is not None and tokenizer("a").input_ids[:1] == [bos]
