"""Pairs of a row computed one completion at a time, by the model's own attention.

For models that packed pairs would be wrong for: those that mix tokens outside attention
(convolutions, recurrences), or attend otherwise than in full (sinks, position biases, windows
shorter than a pair, capped logits). Nothing is padded, nothing is shared: each sequence of prompt
and completion is a forward pass of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from asft.training.logps import sum_segments, token_logps

if TYPE_CHECKING:
    from asft.losses import CompletionLogps
    from asft.training.packing import PackedRow


def scores_apart(model: Any, row: PackedRow) -> CompletionLogps:
    """Sum the log-probabilities of a row by segment: (segments,), in the order of `segments`."""
    values, segments = zip(*_sequences(model, row), strict=True)
    return sum_segments(torch.cat(values), torch.cat(segments), 3 * len(row["ids"]))


def _sequences(model: Any, row: PackedRow) -> Iterator[tuple[Tensor, Tensor]]:
    """Log-probabilities of the scored tokens of each sequence, and the segment of each."""
    tokens, targets, segments = row["input_ids"][0], row["targets"], row["segments"]
    pairs = len(row["ids"])
    for number, (start, p, c, _) in enumerate(row["spans"]):
        prompt = tokens[start : start + p]
        for kind, first in ((0, start + p), (1, start + p + c)):
            scored = targets[segments == number + kind * pairs]
            if not len(scored):
                continue
            sequence = torch.cat([prompt, tokens[first : first + len(scored)]])
            logits = model(input_ids=sequence[None], use_cache=False).logits.squeeze(0)
            # The prompt's own tokens are scored once, with the chosen completion.
            asked = targets[segments == number + 2 * pairs] if kind == 0 else scored[:0]
            ends = [p - 1 + len(scored), p - 1]
            followed = torch.cat([logits[: len(asked)], logits[ends[1] : ends[0]]])
            kinds = torch.cat(
                [
                    torch.full_like(asked, number + 2 * pairs),
                    torch.full_like(scored, number + kind * pairs),
                ]
            )
            yield token_logps(followed, torch.cat([asked, scored])), kinds
