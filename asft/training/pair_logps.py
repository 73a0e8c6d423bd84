"""Log-probabilities of a packed row's pairs: all at once, or one completion at a time.

The second is for models that packed pairs would be wrong for: those that mix tokens outside
attention (convolutions, recurrences), or attend otherwise than in full (sinks, position biases,
windows shorter than a pair, capped logits). Nothing is padded, nothing is shared: each sequence of
prompt and completion is a forward pass of its own, by the model's own attention.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from asft.losses import CompletionLogps, PairLogps
from asft.training.attention.names import attends_to_pairs
from asft.training.logps import sum_segments, token_collisions, token_logps
from asft.training.packing import PackedRow


def pair_logps(model: torch.nn.Module, row: PackedRow, *, collisions: bool = False) -> PairLogps:
    """Compute the log-probabilities of a row's pairs under a causal LM.

    The model attends by one of the functions of asft/training/attention. The LM head runs on scored
    positions only. Absent completions and prompts have sum 0 and 0 tokens. A model that attends by
    its own computes one completion at a time.

    Args:
        collisions: whether log Σ p² of the tokens' distributions is wanted too.
    """
    pairs = len(row["ids"])
    if not attends_to_pairs(model):
        found = _by_kind(scores_apart(model, row), pairs)
        if collisions:
            with torch.no_grad():
                hits = scores_apart(model, row, lambda logits, _: token_collisions(logits))
            found = found._replace(collisions=_by_kind(hits, pairs)._replace(prompt=None))
        return found
    output = model(
        input_ids=row["input_ids"],
        position_ids=row["position_ids"],
        spans=row["spans"],
        logits_to_keep=row["scored"],
        use_cache=False,
    )
    logits = output.logits.squeeze(0)  # not [0], whose gradient is a second array of zeros
    scores = sum_segments(token_logps(logits, row["targets"]), row["segments"], 3 * pairs)
    found = _by_kind(scores, pairs)
    if collisions:  # now: the backward pass writes over the logits
        hits = sum_segments(token_collisions(logits), row["segments"], 3 * pairs)
        found = found._replace(collisions=_by_kind(hits, pairs)._replace(prompt=None))
    return found


def _by_kind(scores: CompletionLogps, pairs: int) -> PairLogps:
    kinds = zip(scores.sum.view(3, pairs), scores.tokens.view(3, pairs), strict=True)
    chosen, rejected, prompt = (CompletionLogps(*kind) for kind in kinds)
    return PairLogps(chosen, rejected, prompt)


def scores_apart(
    model: Any, row: PackedRow, of_tokens: Callable[[Tensor, Tensor], Tensor] = token_logps
) -> CompletionLogps:
    """Sum the log-probabilities of a row by segment: (segments,), in the order of `segments`.

    Args:
        of_tokens: from logits and targets to the numbers of tokens that are summed.
    """
    values, segments = zip(*_sequences(model, row, of_tokens), strict=True)
    return sum_segments(torch.cat(values), torch.cat(segments), 3 * len(row["ids"]))


def _sequences(
    model: Any, row: PackedRow, of_tokens: Callable[[Tensor, Tensor], Tensor]
) -> Iterator[tuple[Tensor, Tensor]]:
    """The numbers of the scored tokens of each sequence, and the segment of each."""
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
            yield of_tokens(followed, torch.cat([asked, scored])), kinds
