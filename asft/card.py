"""What a data set is like once it is prepared: the measured part of its card."""

import hashlib
from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from asft import config
from asft.chat_templates import render_prompt
from asft.records import Message, Pair, fingerprint
from asft.tokens import Split, TokenPair

QUANTILES = {"min": 0, "25": 25, "50": 50, "75": 75, "95": 95, "max": 100}
NOTES = ("truncated_chosen", "truncated_rejected", "boundary_merges", "double_bos")


class Example(NamedTuple):
    """A pair that is kept."""

    split: Split
    pair: Pair
    tokens: TokenPair
    notes: list[str]


def dataset_card(examples: list[Example], tokenizer: Any, tokens: config.Tokens) -> dict[str, Any]:
    """Counts, lengths in tokens (train and held-out together), and what it all hangs on.

    `fingerprint` covers the kept pairs, their order and their split; `template_sha256` the
    rendering of a fixed prompt, null for plain strings.
    """
    train = [example for example in examples if example.split == "train"]
    heldout = [example for example in examples if example.split == "heldout"]
    prompts = {fingerprint(example.pair.prompt) for example in train}
    encoded = [example.tokens for example in examples]
    notes = Counter(note for example in examples for note in example.notes)
    longer = sum(len(pair.chosen) > len(pair.rejected) for pair in encoded)
    plain = isinstance(examples[0].pair.prompt, str)
    return {
        "kind": "plain" if plain else "conversational",
        "kept": {"train": len(train), "heldout": len(heldout)},
        "heldout_prompts_in_train": sum(fingerprint(e.pair.prompt) in prompts for e in heldout),
        "lengths": {
            "prompt": _quantiles([len(pair.prompt) for pair in encoded]),
            "chosen": _quantiles([len(pair.chosen) for pair in encoded]),
            "rejected": _quantiles([len(pair.rejected) for pair in encoded]),
        },
        "chosen_longer_share": round(longer / len(encoded), 6),
        **{note: notes[note] for note in NOTES},
        "tokens": tokens.model_dump(),
        "template_sha256": None if plain else _template_sha256(tokenizer),
        "fingerprint": fingerprint([[example.pair.id, example.split] for example in examples]),
    }


def _quantiles(lengths: list[int]) -> dict[str, int]:
    values = np.percentile(lengths, list(QUANTILES.values()), method="inverted_cdf")
    return {name: int(value) for name, value in zip(QUANTILES, values, strict=True)}


def _template_sha256(tokenizer: Any) -> str:
    text = render_prompt([Message(role="user", content="question")], tokenizer)
    return hashlib.sha256(text.encode()).hexdigest()
