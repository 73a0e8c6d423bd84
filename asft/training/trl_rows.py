"""Prepared token ids as TRL's trainers hold them: nothing is rendered, tokenised or cut again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from datasets import Dataset

from asft.data import TokenPair
from asft.training.mismatched import Mismatched

PLACES = "places"  # in a batch: of its pairs among all


def rows_for(kind: str, pairs: Sequence[TokenPair]) -> Dataset:
    """Return a trainer's rows, in the order of `pairs`.

    Args:
        kind: of trainer, as in `config.TRL_LOSSES`. KTO has two rows a pair: those of all chosen
            completions, then those of all rejected ones.
    """
    found = list(_ROWS[kind](pairs))
    return Dataset.from_dict({key: [row[key] for row in found] for key in found[0]})


def _of_dpo(pairs: Sequence[TokenPair]) -> Iterator[dict[str, Any]]:
    for pair in pairs:
        yield {
            "prompt_ids": pair.prompt,
            "chosen_ids": pair.chosen,
            "rejected_ids": pair.rejected,
        }


def _of_kto(pairs: Sequence[TokenPair]) -> Iterator[dict[str, Any]]:
    """With the mismatched completions that ours looks at.

    TRL's own are those of the row before in the data, the first's of the last in its batch: the
    same only where batches are never shuffled.
    """
    others = Mismatched(pairs)
    for side in ("chosen", "rejected"):
        for pair, other in zip(pairs, others, strict=True):
            yield {
                "prompt_ids": pair.prompt,
                "completion_ids": getattr(pair, side),
                "KL_completion_ids": getattr(other, side),
                "label": side == "chosen",
            }


def _of_cpo(pairs: Sequence[TokenPair]) -> Iterator[dict[str, Any]]:
    for pair in pairs:
        prompt = pair.prompt.tolist()
        row = {"prompt_input_ids": prompt, "prompt_attention_mask": [1] * len(prompt)}
        for side in ("chosen", "rejected"):
            row |= {f"{side}_{key}": value for key, value in _scored(pair, side).items()}
        yield row


def _of_sft(pairs: Sequence[TokenPair]) -> Iterator[dict[str, Any]]:
    for pair in pairs:
        scored = _scored(pair, "chosen")
        yield {key: scored[key] for key in ("input_ids", "labels")}


def _scored(pair: TokenPair, side: str) -> dict[str, list[int]]:
    """Prompt and completion, of which the completion alone is scored."""
    prompt, completion = pair.prompt.tolist(), getattr(pair, side).tolist()
    return {
        "input_ids": prompt + completion,
        "attention_mask": [1] * (len(prompt) + len(completion)),
        "labels": [-100] * len(prompt) + completion,
    }


_ROWS = {"DPO": _of_dpo, "KTO": _of_kto, "CPO": _of_cpo, "ORPO": _of_cpo, "SFT": _of_sft}


class Batches:
    """Collation of pairs, given by their places: TRL's own, of the rows that these pairs are.

    So that every trainer shuffles pairs, as ours does; KTO's would shuffle nothing.
    """

    def __init__(self, rows: Any, pairs: int, theirs: Callable[[list[Any]], Any]) -> None:
        self.rows, self.pairs, self.theirs = rows, pairs, theirs

    def __call__(self, places: Sequence[int]) -> dict[str, Any]:
        """Return a batch, and the places of its pairs."""
        starts = range(0, len(self.rows), self.pairs)
        found = [self.rows[start + place] for start in starts for place in places]
        return {**self.theirs(found), PLACES: list(places)}
