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
from asft.training.token_divergences import token_divergences


def pair_logps(
    model: torch.nn.Module,
    row: PackedRow,
    *,
    collisions: bool = False,
    shared: bool = False,
    against: Tensor | None = None,
) -> PairLogps:
    """Compute the log-probabilities of a row's pairs under a causal LM.

    The model attends by one of the functions of asft/training/attention. The LM head runs on scored
    positions only. Absent completions and prompts have sum 0 and 0 tokens. A model that attends by
    its own computes one completion at a time.

    Args:
        collisions: whether log Σ p² of the tokens' distributions is wanted too.
        shared: whether the sums over the length that both completions have are wanted too.
        against: logits of the reference, from which KL divergences are wanted too; of models that
            packed pairs are right for.
    """
    pairs = len(row["ids"])
    if attends_to_pairs(model):
        logits, segments = packed_logits(model, row), row["segments"]
        if against is None:
            values = token_logps(logits, row["targets"])
        else:
            values, apart = token_divergences(logits, row["targets"], against)
    else:
        values, segments = _apart(model, row, token_logps)
    found = _by_kind(sum_segments(values, segments, 3 * pairs), pairs)
    if shared:
        found = found._replace(shared=_shared(values, segments, found))
    if against is not None:
        sums = sum_segments(apart, segments, 3 * pairs)
        found = found._replace(divergences=_by_kind(sums, pairs)._replace(prompt=None))
    if not collisions:
        return found
    if attends_to_pairs(model):  # now: the backward pass writes over the logits
        hits = token_collisions(logits)
    else:
        with torch.no_grad():
            hits, segments = _apart(model, row, lambda logits, _: token_collisions(logits))
    sums = sum_segments(hits, segments, 3 * pairs)
    return found._replace(collisions=_by_kind(sums, pairs)._replace(prompt=None))


def packed_logits(model: torch.nn.Module, row: PackedRow) -> Tensor:
    """Compute the logits of a row's scored positions, all pairs at once: (tokens, vocabulary)."""
    output = model(
        input_ids=row["input_ids"],
        position_ids=row["position_ids"],
        spans=row["spans"],
        logits_to_keep=row["scored"],
        use_cache=False,
    )
    logits: Tensor = output.logits.squeeze(0)  # not [0], whose gradient is a second array of zeros
    return logits


def logps_of(logits: Tensor, row: PackedRow) -> PairLogps:
    """Compute the log-probabilities of a row's pairs, shared ones too, from its logits."""
    pairs, values = len(row["ids"]), token_logps(logits, row["targets"])
    found = _by_kind(sum_segments(values, row["segments"], 3 * pairs), pairs)
    return found._replace(shared=_shared(values, row["segments"], found))


def _by_kind(scores: CompletionLogps, pairs: int) -> PairLogps:
    kinds = zip(scores.sum.view(3, pairs), scores.tokens.view(3, pairs), strict=True)
    chosen, rejected, prompt = (CompletionLogps(*kind) for kind in kinds)
    return PairLogps(chosen, rejected, prompt)


def _shared(values: Tensor, segments: Tensor, whole: PairLogps) -> PairLogps:
    """Sums over each completion's first tokens, as many as the shorter one has.

    The tokens of a segment stand together, in their order.
    """
    least = torch.minimum(whole.chosen.tokens, whole.rejected.tokens)
    pairs, places = len(least), torch.arange(len(segments), device=segments.device)
    first = torch.full((3 * pairs,), len(segments), device=segments.device)
    first = first.scatter_reduce(0, segments, places, "amin")
    kept = torch.cat([least, least, torch.zeros_like(least)])
    within = places - first[segments] < kept[segments]
    ends = torch.where(within, segments, 3 * pairs)  # the others' sum is thrown away
    sums = sum_segments(values, ends, 3 * pairs + 1).sum
    return PairLogps(
        CompletionLogps(sums[:pairs], least), CompletionLogps(sums[pairs : 2 * pairs], least)
    )


def scores_apart(
    model: Any, row: PackedRow, of_tokens: Callable[[Tensor, Tensor], Tensor] = token_logps
) -> CompletionLogps:
    """Sum the log-probabilities of a row by segment: (segments,), in the order of `segments`.

    Args:
        of_tokens: from logits and targets to the numbers of tokens that are summed.
    """
    return sum_segments(*_apart(model, row, of_tokens), 3 * len(row["ids"]))


def _apart(
    model: Any, row: PackedRow, of_tokens: Callable[[Tensor, Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    values, segments = zip(*_sequences(model, row, of_tokens), strict=True)
    return torch.cat(values), torch.cat(segments)


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
