"""Pairs and prompts as token ids.

Prompt and completion are tokenised apart, so that no token straddles their boundary and a prompt
has the ids that generation gives it (`encode_prompt` serves both). The end-of-turn token is the
last id of a completion, also where it doubles as padding. Imports no torch; the tokenizer is any
fast one of transformers, which is given many texts at a time.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from asft.config import PARTS, Tokens
from asft.data.control_tokens import special_tokens
from asft.data.rendering import RenderedPair, render_pairs, render_prompt
from asft.data.rows import Unusable
from asft.data.text_ids import encode_rests, encode_starts
from asft.data.token_pair import Ids, TokenPair
from asft.records import Message, Pair

# Characters on either side of the boundary that can take part in a merge across it.
_WINDOW = 200
_NEAR = 40  # those that are looked at first
_CUT = 8  # tokens before a cut in a text that it may change
Encoded: TypeAlias = tuple[TokenPair, list[str]]


def encode_pair(pair: Pair, tokenizer: Any, tokens: Tokens) -> Encoded:
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
    (found,) = encode_pairs({pair.id: pair}, tokenizer, tokens).values()
    if isinstance(found, Unusable):
        raise found
    return found


def encode_pairs(
    pairs: Mapping[str, Pair], tokenizer: Any, tokens: Tokens
) -> dict[str, Encoded | Unusable]:
    """Encode many pairs as `encode_pair` does each; of one that is unusable return why.

    Args:
        pairs: by their ids.
    """
    found: dict[str, Encoded | Unusable] = {}
    plain = tokens.special_tokens_in_plain_text
    rendered = render_pairs(list(pairs.values()), tokenizer, plain_is_rendered=plain)
    texts: dict[str, RenderedPair] = {}
    for name, text in zip(pairs, rendered, strict=True):
        if isinstance(text, Unusable):
            found[name] = text
        elif lost := PARTS.intersection(text.unrendered).difference(tokens.keep_without):
            found[name] = Unusable(f"unrendered_{min(lost)}")
        else:
            texts[name] = text
    usable = list(texts.values())
    starts = encode_starts([text.prompt for text in usable], tokenizer)
    chosen = encode_rests([text.chosen for text in usable], tokenizer)
    rejected = encode_rests([text.rejected for text in usable], tokenizer)
    merged = _merged(usable, list(zip(chosen, rejected, strict=True)), tokenizer)
    parts = zip(texts.items(), starts, chosen, rejected, merged, strict=True)
    for (name, text), (prompt, notes), *completions, merges in parts:
        notes += [f"unrendered_{part}" for part in text.unrendered]
        try:
            found[name] = _cut(name, prompt, completions[0], completions[1], notes, tokens)
        except Unusable as fault:
            found[name] = fault
        else:
            notes += ["boundary_merges"] if merges else []
    return {name: found[name] for name in pairs}


def _cut(
    name: str,
    prompt: list[int],
    chosen: list[int],
    rejected: list[int],
    notes: list[str],
    tokens: Tokens,
) -> Encoded:
    """A pair within `max_length`; adds to its notes."""
    if not prompt:
        raise Unusable("empty_prompt")  # its last token predicts the first of a completion
    room = tokens.max_length - len(prompt)
    if len(prompt) > (tokens.max_prompt_length or tokens.max_length) or room < 1:
        raise Unusable("overlong_prompt")
    if chosen[:room] == rejected[:room]:  # of a row of one completion one is empty
        raise Unusable(f"identical_{'as_rendered' if chosen == rejected else 'after_truncation'}")
    if len(chosen) > room:
        notes.append("truncated_chosen")
    if len(rejected) > room:
        notes.append("truncated_rejected")
    return TokenPair(name, _ids(prompt), _ids(chosen[:room]), _ids(rejected[:room])), notes


def encode_prompt(prompt: list[Message], tokenizer: Any) -> list[int]:
    """Return the ids of a prompt up to its completion, with one BOS where the model uses one.

    Raises:
        Unusable: template_refused.
        UserError: the tokenizer has no chat template.
    """
    return encode_starts([render_prompt(prompt, tokenizer)], tokenizer)[0][0]


def _merged(
    texts: Sequence[RenderedPair], rests: Sequence[tuple[list[int], list[int]]], tokenizer: Any
) -> list[bool]:
    """Of each pair, whether prompt and a completion as one text would have other ids.

    Looked at near the boundary first: what merges across it differs there.
    """
    tails = [_tail(text.prompt, tokenizer) for text in texts]
    known = dict.fromkeys(tails)
    ids_of = dict(zip(known, encode_rests(list(known), tokenizer), strict=True))
    found = [False] * len(texts)
    completions = ([text.chosen for text in texts], [text.rejected for text in texts])
    for side, wholes in enumerate(completions):
        joint = encode_rests(
            [tail + whole[:_NEAR] for tail, whole in zip(tails, wholes, strict=True)], tokenizer
        )
        for number, (tail, whole, ids) in enumerate(zip(tails, wholes, joint, strict=True)):
            start = ids_of[tail]
            behind = ids[len(start) :]
            if len(whole) > _NEAR:
                behind = behind[: max(1, len(behind) - _CUT)]
            same = ids[: len(start)] == start and behind == rests[number][side][: len(behind)]
            found[number] |= not same and _merges(texts[number].prompt, whole, tokenizer)
    return found


def _tail(prompt: str, tokenizer: Any) -> str:
    """The end of a prompt from its last special token on: the same of most prompts."""
    end = prompt[-_NEAR:]
    starts = [found.start() for found in special_tokens(tokenizer).finditer(end)]
    return end[starts[-1] :] if starts else end


def _merges(start: str, rest: str, tokenizer: Any) -> bool:
    start, rest = start[-_WINDOW:], rest[:_WINDOW]
    first, second, joint = encode_rests([start, rest, start + rest], tokenizer)
    return joint != first + second


def _ids(values: list[int]) -> Ids:
    return np.asarray(values, dtype=np.int32)
