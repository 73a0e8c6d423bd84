"""Write a data set's card: what preparation counted, and test questions among its prompts.

A step of its own, so that other test questions change the card alone: nothing is prepared or
trained again.

Reads  <results>/data/{dataset}/counts.json, pairs.parquet,
       <results>/benchmarks/{benchmark}/questions.jsonl of each benchmark that a table asks for
Writes <results>/data/{dataset}/card.json
By hand: asft data-card --counts FILE --pairs FILE --questions NAME=FILE … --out card.json
"""

import hashlib
import math
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from asft.config import Tokens
from asft.data.contamination import count_overlap
from asft.data.pair_numbers import count_numbers
from asft.data.rendering import render_prompt
from asft.data.tokens import Split, TokenPair
from asft.files import fingerprint, read_json, read_jsonl, write_json
from asft.parquet import read_parquet
from asft.records import NO_NUMBERS, Message, Pair, Question

QUANTILES = {"min": 0, "25": 25, "50": 50, "75": 75, "95": 95, "max": 100}
NOTES = ("truncated_chosen", "truncated_rejected", "boundary_merges", "double_bos")


class Example(NamedTuple):
    """A pair that is kept: its split, its text, its token ids, and notes on it."""

    split: Split
    pair: Pair
    tokens: TokenPair
    notes: list[str]


def dataset_card(examples: list[Example], tokenizer: Any, tokens: Tokens) -> dict[str, Any]:
    """Return a data set's counts, lengths in tokens (of both splits together) and fingerprints.

    `fingerprint` covers the kept pairs, their order, split and numbers; `template_sha256` the
    rendering of a fixed prompt, null for plain strings. `singles` are the training completions by
    label, as losses see them that take each by itself.
    """
    train = [example for example in examples if example.split == "train"]
    heldout = [example for example in examples if example.split == "heldout"]
    prompts = {fingerprint(example.pair.prompt) for example in train}
    encoded = [example.tokens for example in examples]
    notes = Counter(note for example in examples for note in example.notes)
    paired = all(len(pair.chosen) and len(pair.rejected) for pair in encoded)
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
        "chosen_longer_share": round(longer / len(encoded), 6) if paired else None,
        **{note: notes[note] for note in NOTES},
        "unrendered": {n: notes[n] for n in sorted(notes) if n.startswith("unrendered_")},
        "tokens": tokens.model_dump(),
        "template_sha256": None if plain else _template_sha256(tokenizer),
        "singles": {
            "desirable": sum(len(example.tokens.chosen) > 0 for example in train),
            "undesirable": sum(len(example.tokens.rejected) > 0 for example in train),
        },
        "numbers": count_numbers([pair.numbers for pair in encoded]),
        "fingerprint": fingerprint([_told_apart(example) for example in examples]),
    }


def _told_apart(example: Example) -> list[Any]:
    numbers = [None if math.isnan(number) else number for number in example.tokens.numbers]
    said = [] if numbers == [None, None, None, NO_NUMBERS.weight] else numbers
    return [example.pair.id, example.split, *said]


def _quantiles(lengths: list[int]) -> dict[str, int]:
    values = np.percentile(lengths, list(QUANTILES.values()), method="inverted_cdf")
    return {name: int(value) for name, value in zip(QUANTILES, values, strict=True)}


def _template_sha256(tokenizer: Any) -> str:
    text = render_prompt([Message(role="user", content="question")], tokenizer)
    return hashlib.sha256(text.encode()).hexdigest()


class QuestionFile(NamedTuple):
    """The prepared questions of a benchmark."""

    benchmark: str
    questions: Path


def write_data_card(
    counts: Path, pairs: Path, out: Path, questions: list[QuestionFile] | None = None
) -> None:
    """Write a data set's card: its counts, and its overlap with the questions of benchmarks.

    Args:
        counts: what prepare-dataset counted
        questions: benchmark=questions.jsonl
    """
    rows = read_parquet(pairs, columns=["id", "split", "prompt"]).to_pylist()
    train = [(row["id"], _turns(row["prompt"])) for row in rows if row["split"] == "train"]
    asked = {name: list(read_jsonl(path, Question)) for name, path in questions or []}
    write_json(out, read_json(counts) | {"overlap": count_overlap(train, asked)})


def _turns(prompt: str | list[dict[str, str]]) -> list[str]:
    return [prompt] if isinstance(prompt, str) else [message["content"] for message in prompt]
