"""The loss of a whole optimiser step, for methods that look at the step's other pairs.

The rows of a step do not fit into memory together, and lie in several processes. So the
log-probabilities of all of them are computed first, without gradient; the batch loss, small as it
is, is differentiated by them once; and each row is then backpropagated with its share of these
derivatives. By the chain rule that is the gradient of the batch loss, however pairs were packed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from asft.losses import CompletionLogps, PairLogps
from asft.records import PairNumbers
from asft.training.distributed import summed
from asft.training.packing import PackedRow

Loss = Callable[[PairLogps, PairLogps | None], Tensor]
# From a row to what policy and reference say of it.
Look = Callable[[PackedRow], tuple[PairLogps, PairLogps | None]]
# Rows of the table of a batch: of each kind sum and count of chosen, of rejected, of prompt; then
# the data's numbers. A loss is differentiated by the sums of the first three kinds.
KINDS = ("policy", "shared", "divergences", "collisions", "reference", "reference's shared")
DIFFERENTIABLE, SIDES = 3, 3
NUMBERS = 2 * SIDES * len(KINDS)
ROWS = NUMBERS + len(PairNumbers._fields)


class Seen(NamedTuple):
    """Log-probabilities of one row, and the place of its first pair among all of the batch."""

    start: int
    policy: PairLogps
    reference: PairLogps | None


class Part(NamedTuple):
    """The part of a batch's loss that is one row's.

    `values` are its pairs' losses, (pairs,). `slopes` are the derivatives of the sum of all losses
    of the batch by this row's sums, (sums, pairs).
    """

    values: Tensor
    slopes: Tensor

    def losses(self, policy: PairLogps) -> Tensor:
        """Return `values`, with `slopes` as their gradient by `policy`: (pairs,)."""
        sums = _sums(policy)
        return self.values + (self.slopes * (sums - sums.detach())).sum(0)


def batch_parts(
    loss: Loss,
    seen: Sequence[Seen],
    total: int,
    device: torch.device,
    mismatched: Sequence[Seen] | None = None,
) -> list[Part]:
    """Compute a batch's loss and its derivatives; return the part of each row of this process.

    Args:
        seen: this process's rows; it may have none.
        total: pairs of the batch, in all processes.
        mismatched: rows of as many pairs, for losses that look at them too.
    """
    table = _of_all(seen, total, device)
    sums = table[: 2 * SIDES * DIFFERENTIABLE : 2].clone().requires_grad_()
    policy, reference = _pairs(table, sums)
    if mismatched is not None:
        others = _pairs(_of_all(mismatched, total, device))
        policy = policy._replace(mismatched=others[0])
        reference = reference._replace(mismatched=others[1])
    with torch.enable_grad():
        values = loss(policy, reference)
        (slopes,) = torch.autograd.grad(values.sum(), sums)
    ends = [(row.start, row.start + len(row.policy.chosen.sum)) for row in seen]
    return [Part(values.detach()[a:b], slopes[:, a:b]) for a, b in ends]


def places_of(rows: Iterable[PackedRow], first: int = 0) -> list[int]:
    """Return the place of each row's first pair: after those of the rows before it."""
    places = [first]
    for row in rows:
        places.append(places[-1] + len(row["ids"]))
    return places[:-1]


def look_ahead(batch: dict[str, Any], look: Look, loss: Loss, device: torch.device) -> None:
    """Compute all rows of a step without gradient, and give each its `part` of the batch's loss.

    Rows that only keep other processes company get a part of no effect.
    """
    rows, counted = batch["rows"], batch["counted"]
    # What drops out here drops out again where the rows are backpropagated.
    with torch.random.fork_rng([device] if device.type == "cuda" else []), torch.no_grad():
        seen = _seen(batch, look)
        others = _seen(batch["mismatched"], look) if "mismatched" in batch else None
    parts = batch_parts(loss, seen, batch["pairs"], device, others)
    for number, row in enumerate(rows):
        nothing = torch.zeros(1 + SIDES * DIFFERENTIABLE, len(row["ids"]), device=device)
        row["part"] = parts[number] if number < counted else Part(nothing[0], nothing[1:])


def _seen(batch: dict[str, Any], look: Look) -> list[Seen]:
    places = places_of(batch["rows"], batch["before"])
    found = [Seen(place, *look(row)) for place, row in zip(places, batch["rows"], strict=True)]
    return found[: batch["counted"]]


def _of_all(seen: Sequence[Seen], total: int, device: torch.device) -> Tensor:
    """The table of the batch, (ROWS, total), of all processes' rows; zeros where not asked."""
    table = torch.zeros(ROWS, total, device=device)
    for start, policy, reference in seen:
        end = start + len(policy.chosen.sum)
        for number, pairs in enumerate(_kinds(policy, reference)):
            for column, values in enumerate(_columns(pairs), 2 * SIDES * number):
                table[column, start:end] = values.detach()
        if policy.numbers is not None:
            table[NUMBERS:, start:end] = torch.stack(list(policy.numbers))
    return summed(table)


def _kinds(policy: PairLogps, reference: PairLogps | None) -> list[PairLogps | None]:
    """In the order of KINDS."""
    shared = reference.shared if reference else None
    return [policy, policy.shared, policy.divergences, policy.collisions, reference, shared]


def _columns(pairs: PairLogps | None) -> list[Tensor]:
    sides = [side for side in pairs or () if isinstance(side, CompletionLogps)]
    return [column for side in sides for column in side]


def _sums(policy: PairLogps) -> Tensor:
    """What a loss is differentiated by, zeros where not asked: (sums, pairs)."""
    nothing = torch.zeros_like(policy.chosen.sum)
    found = []
    for pairs in _kinds(policy, None)[:DIFFERENTIABLE]:
        sums = _columns(pairs)[::2]
        found += [*sums, *[nothing] * (SIDES - len(sums))]
    return torch.stack(found)


def _pairs(table: Tensor, sums: Tensor | None = None) -> tuple[PairLogps, PairLogps]:
    """Policy and reference of the batch; the first of their sums are `sums` if given."""
    kinds = []
    for number in range(len(KINDS)):
        rows = table[2 * SIDES * number : 2 * SIDES * (number + 1)]
        its = rows[::2] if sums is None or number >= DIFFERENTIABLE else sums[SIDES * number :]
        sides = [CompletionLogps(its[side], rows[2 * side + 1]) for side in range(SIDES)]
        kinds.append(PairLogps(sides[0], sides[1], sides[2]))
    policy, shared, divergences, collisions, reference, reference_shared = kinds
    numbers = PairNumbers(*table[NUMBERS:])
    policy = policy._replace(
        shared=shared, divergences=divergences, collisions=collisions, numbers=numbers
    )
    return policy, reference._replace(shared=reference_shared)
