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
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asft.config import Tokens
from asft.data.contamination import count_overlap
from asft.data.pair_numbers import count_numbers
from asft.data.rendering import render_prompt
from asft.data.tokens import Split
from asft.files import fingerprint, read_json, read_jsonl, write_json
from asft.parquet import read_parquet
from asft.records import NO_NUMBERS, Message, PairNumbers, Question

QUANTILES = {"min": 0, "25": 25, "50": 50, "75": 75, "95": 95, "max": 100}
NOTES = ("truncated_chosen", "truncated_rejected", "boundary_merges", "double_bos")


class Example(NamedTuple):
    """What is counted of a pair that is kept; its texts and ids wait elsewhere."""

    split: Split
    id: str
    prompt: bytes  # a fingerprint
    plain: bool  # strings, not conversations
    lengths: tuple[int, int, int]  # tokens of prompt, chosen, rejected
    numbers: PairNumbers[float]
    notes: Sequence[str]


def dataset_card(examples: list[Example], tokenizer: Any, tokens: Tokens) -> dict[str, Any]:
    """Return a data set's counts, lengths in tokens (of both splits together) and fingerprints.

    `fingerprint` covers the kept pairs, their order, split and numbers; `template_sha256` the
    rendering of a fixed prompt, null for plain strings. `singles` are the training completions by
    label, as losses see them that take each by itself.
    """
    train = [example for example in examples if example.split == "train"]
    heldout = [example for example in examples if example.split == "heldout"]
    prompts = {example.prompt for example in train}
    lengths = np.array([example.lengths for example in examples])
    notes = Counter(note for example in examples for note in example.notes)
    paired = bool((lengths[:, 1:] > 0).all())
    longer = int((lengths[:, 1] > lengths[:, 2]).sum())
    plain = examples[0].plain
    return {
        "kind": "plain" if plain else "conversational",
        "kept": {"train": len(train), "heldout": len(heldout)},
        "heldout_prompts_in_train": sum(example.prompt in prompts for example in heldout),
        "lengths": {
            name: _quantiles(column)
            for name, column in zip(("prompt", "chosen", "rejected"), lengths.T, strict=True)
        },
        "chosen_longer_share": round(longer / len(examples), 6) if paired else None,
        **{note: notes[note] for note in NOTES},
        "unrendered": {n: notes[n] for n in sorted(notes) if n.startswith("unrendered_")},
        "tokens": tokens.model_dump(),
        "template_sha256": None if plain else _template_sha256(tokenizer),
        "singles": {
            "desirable": sum(example.lengths[1] > 0 for example in train),
            "undesirable": sum(example.lengths[2] > 0 for example in train),
        },
        "numbers": count_numbers([example.numbers for example in examples]),
        "fingerprint": fingerprint([_told_apart(example) for example in examples]),
    }


def _told_apart(example: Example) -> list[Any]:
    numbers = [None if math.isnan(number) else number for number in example.numbers]
    said = [] if numbers == [None, None, None, NO_NUMBERS.weight] else numbers
    return [example.id, example.split, *said]


def _quantiles(lengths: NDArray[np.int64]) -> dict[str, int]:
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
