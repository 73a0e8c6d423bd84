"""A real pair as the tokens that training reads: each with its text, and what of it is learnt."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from asft.config import Config, training_runs
from asft.data import TokenPair
from asft.losses import find_method

# Tokens before one that its text is read behind: some decoders drop the space at a beginning.
_BEFORE = 4
_BROKEN = "\ufffd"


class Token(NamedTuple):
    """One token as text, and whether it is a special one."""

    text: str
    special: bool


class Part(NamedTuple):
    """Prompt, chosen or rejected completion; `target` says which methods learn its tokens."""

    name: str
    tokens: list[Token]
    is_target: bool
    target: str


class ShownPair(NamedTuple):
    """A pair of a data set as tokens."""

    dataset: str
    id: str
    parts: list[Part]


def show_pair(config: Config, dataset: str, pair: TokenPair, tokenizer: Any) -> ShownPair:
    """Return the tokens of a pair, with what the methods that are trained on it learn of them."""
    methods = dict.fromkeys(run.method for run in training_runs(config, dataset))
    losses = {name: find_method(config.methods[name].loss or name) for name in methods}
    ids = {"prompt": pair.prompt, "chosen": pair.chosen, "rejected": pair.rejected}
    learnt = {
        "prompt": [name for name, loss in losses.items() if loss.needs_prompt],
        "chosen": list(losses),
        "rejected": [name for name, loss in losses.items() if loss.paired],
    }
    parts = [
        Part(
            name,
            [*texts_of(part.tolist(), tokenizer)],
            name != "prompt" and bool(learnt[name]),
            _target(name, learnt[name], list(losses)),
        )
        for name, part in ids.items()
        if len(part)
    ]
    return ShownPair(dataset, pair.id, parts)


def _target(part: str, learnt: Sequence[str], methods: Sequence[str]) -> str:
    if not learnt:
        return "read, no training target"
    if part == "prompt":
        return f"read; a training target of {', '.join(learnt)} alone"
    if len(learnt) == len(methods):
        return "training target of all methods"
    return f"training target of {', '.join(learnt)}"


def texts_of(ids: Sequence[int], tokenizer: Any) -> Iterator[Token]:
    """Yield each token's own text; of a part of a character its name in the vocabulary."""
    special = special_ids(tokenizer)
    for place, token in enumerate(ids):
        before = ids[max(0, place - _BEFORE) : place]
        start, whole = _decoded(before, tokenizer), _decoded([*before, token], tokenizer)
        text = whole.removeprefix(start)
        if not whole.startswith(start) or _BROKEN in text or not text:
            text = str(tokenizer.convert_ids_to_tokens(token))
        yield Token(text, token in special)


def special_ids(tokenizer: Any) -> set[int]:
    """Return the ids of the tokenizer's special tokens, those of its chat template too."""
    return {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}


def _decoded(ids: Iterable[int], tokenizer: Any) -> str:
    return str(tokenizer.decode(list(ids), clean_up_tokenization_spaces=False))


def visible(text: str) -> str:
    """Return a text with line breaks and all that does not print made visible."""
    shown = {"\n": "↵", "\t": "⇥", "\r": "␍", " ": "·"}
    return "".join(shown.get(c) or (c if c.isprintable() else f"\\u{ord(c):04x}") for c in text)
