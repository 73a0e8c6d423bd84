"""Attention of packed pairs on CPUs: a block of queries at a time, over the keys it may see.

Products of whole blocks, without most of what causality leaves out, are 2 to 3 times faster than
PyTorch's fused kernel, backwards most of all.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from asft.training.packing import Span

QUERIES = 320  # of a block, at most
# Tokens of a pair up to which weights are kept for the backward pass, which takes 2 bytes × heads ×
# tokens² / 2 a layer; those of longer pairs are computed again, a third of the time more.
KEPT_UP_TO = 1024


class Block(NamedTuple):
    """A block of adjacent queries, and the keys that at least one of them sees."""

    queries: slice
    keys: list[slice]
    mask: Tensor  # (queries, keys): 0 or -inf
    keep: bool  # its weights


def attend_in_blocks(
    query: Tensor, key: Tensor, value: Tensor, spans: list[Span], scale: float
) -> Tensor:
    """Attend within each pair on a CPU, block by block; shapes as in `register.register`."""
    blocks = _plan(tuple(map(tuple, spans)), QUERIES, KEPT_UP_TO, query.dtype)
    # The types are settled already: autocast would turn weights to fp32 and back.
    with torch.autocast("cpu", enabled=False):
        found: Tensor = _BlockAttention.apply(query, key, value, blocks, scale)  # type: ignore[no-untyped-call]
    return found


class _BlockAttention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, blocks: list[Block], scale: float
    ) -> Tensor:
        heads, (_, groups, tokens, dim) = query.shape[1], value.shape
        out = query.new_empty(tokens, heads, dim)
        kept: list[Tensor | None] = []
        for block in blocks:
            k, v = (_gather(x[0], block.keys) for x in (key, value))
            weights = _weights(query[0, :, block.queries], k, block.mask, scale)
            found = torch.bmm(_grouped(weights, groups), v)
            out[block.queries] = found.view(heads, -1, dim).transpose(0, 1)
            kept.append(weights if block.keep else None)
        ctx.save_for_backward(query, key, value, *kept)
        ctx.blocks, ctx.scale = blocks, scale
        return out[None]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, *kept = ctx.saved_tensors
        d_query, groups = torch.empty_like(query), key.shape[1]
        # Sums over blocks: in fp32.
        d_key, d_value = (torch.zeros(x.shape, dtype=torch.float32) for x in (key, value))
        for block, weights in zip(ctx.blocks, kept, strict=True):
            k, v = (_gather(x[0], block.keys) for x in (key, value))
            q, d_out = query[0, :, block.queries], grads[0][0, block.queries].transpose(0, 1)
            if weights is None:
                weights = _weights(q, k, block.mask, ctx.scale)
            weights, q, d_out = (_grouped(x, groups) for x in (weights, q, d_out))
            _add_to(d_value[0], block.keys, torch.bmm(weights.transpose(1, 2), d_out))
            d_weights = torch.bmm(d_out, v.transpose(1, 2))
            d_scores = torch._softmax_backward_data(d_weights, weights, -1, weights.dtype)
            d_q = _product(d_scores, k, ctx.scale)
            d_query[0, :, block.queries] = d_q.view(query.shape[1], -1, query.shape[3])
            _add_to(d_key[0], block.keys, _product(d_scores.transpose(1, 2), q, ctx.scale))
        return d_query, d_key.to(key.dtype), d_value.to(value.dtype), None, None


@lru_cache(maxsize=2)  # every layer of a row asks for the same one, forward and backward
def _plan(spans: tuple[Span, ...], most: int, kept_up_to: int, dtype: torch.dtype) -> list[Block]:
    blocks: list[Block] = []
    for start, p, c, r in spans:
        whole, chosen = slice(start, start + p + c + r), slice(start, start + p + c)
        keep = p + c + r <= kept_up_to
        if p + c + r <= most:  # one block costs less than two, though it is larger
            mask = _causal(p + c + r, p + c + r, dtype).clone()
            mask[p + c :, p : p + c] = float("-inf")
            blocks.append(Block(whole, [whole], mask, keep))
            continue
        for queries, seen in _parts(chosen, p + c, most):
            mask = _causal(queries.stop - queries.start, seen, dtype)
            blocks.append(Block(queries, [slice(start, start + seen)], mask, keep))
        for queries, seen in _parts(slice(chosen.stop, whole.stop), p + r, most):
            keys = [slice(start, start + p), slice(chosen.stop, chosen.stop + seen - p)]
            mask = _causal(queries.stop - queries.start, seen, dtype)
            blocks.append(Block(queries, keys, mask, keep))
    return blocks


def _parts(queries: slice, keys: int, most: int) -> Iterator[tuple[slice, int]]:
    """Parts of about the same size, and how many of the keys the last query of each sees."""
    count = queries.stop - queries.start
    parts = -(-count // most)
    for number in range(parts):
        first, last = count * number // parts, count * (number + 1) // parts
        yield slice(queries.start + first, queries.start + last), keys - count + last


@lru_cache(maxsize=16)
def _strip(rows: int, before: int, dtype: torch.dtype) -> Tensor:
    """Columns of zeros, then -inf where a key stands behind its query."""
    future = torch.full((rows, rows), float("-inf"), dtype=dtype).triu_(1)
    return torch.cat([torch.zeros(rows, before, dtype=dtype), future], dim=1)


def _causal(queries: int, keys: int, dtype: torch.dtype) -> Tensor:
    """(queries, keys), the last keys being the queries' own; cut out of a few larger ones."""
    rows, before = (1 << (n - 1).bit_length() for n in (queries, keys))
    return _strip(rows, before, dtype)[:queries, before - (keys - queries) : before + queries]


def _gather(x: Tensor, parts: list[slice]) -> Tensor:
    return x[:, parts[0]] if len(parts) == 1 else torch.cat([x[:, part] for part in parts], dim=1)


def _add_to(total: Tensor, parts: list[slice], grad: Tensor) -> None:
    """The reverse of `_gather`."""
    sizes = [part.stop - part.start for part in parts]
    for part, some in zip(parts, torch.split(grad.float(), sizes, dim=1), strict=True):
        total[:, part] += some


def _grouped(x: Tensor, groups: int) -> Tensor:
    """(heads, n, m) → (kv_heads, heads of each × n, m): heads that share keys as one matrix."""
    return x.reshape(groups, -1, x.shape[-1])


def _product(a: Tensor, b: Tensor, scale: float) -> Tensor:
    return torch.baddbmm(a.new_empty(1, 1, 1), a, b, beta=0, alpha=scale)


def _weights(q: Tensor, k: Tensor, mask: Tensor, scale: float) -> Tensor:
    """(heads, queries, dim) and (kv_heads, keys, dim) → (heads, queries, keys)."""
    k = k.repeat_interleave(len(q) // len(k), dim=0)
    mask = mask.expand(len(q), -1, -1)
    return torch.baddbmm(mask, q, k.transpose(1, 2), alpha=scale).softmax(-1)
