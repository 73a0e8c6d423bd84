"""Compute log-probabilities of all pairs of a data set under the base policy, the reference.

Reads  <results>/models/{model}/, <results>/data/{dataset}/tokens/
Writes <results>/data/{dataset}/reference_logps.parquet (sums and token counts by pair id)
By hand: asft reference --model DIR --tokens DIR --settings '{"precision": "auto"}' --out FILE
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from torch import Tensor
from tqdm import tqdm

from asft.config import Training
from asft.data import read_tokens
from asft.errors import UserError
from asft.losses import CompletionLogps, PairLogps
from asft.models import default_device, load_policy, resolve_precision
from asft.parquet import read_parquet, write_parquet
from asft.processes import place, split_of
from asft.training.attention.choose import implementation
from asft.training.fused import fuse
from asft.training.packing import PackedRow, packed_by_length, pair_logps, without_waiting
from asft.training.token_budget import token_budget

COLUMNS = ("chosen_sum", "chosen_tokens", "rejected_sum", "rejected_tokens")


def score_pairs(model: Any, rows: Iterable[PackedRow], precision: torch.dtype) -> pa.Table:
    """Compute log-probability sums and token counts of all pairs, sorted by id.

    The forward pass is the trainer's own.
    """
    fuse(model.eval())
    found: list[Tensor] = []  # read at the end: a number read off a GPU waits for it
    ids: list[str] = []
    device = model.device
    autocast = torch.autocast(device.type, precision, enabled=precision != torch.float32)
    for row in tqdm(list(rows), desc="reference", disable=None):
        on_device = PackedRow(**{k: _to(v, device) for k, v in row.items()})  # type: ignore[typeddict-item]
        with torch.no_grad(), autocast:
            chosen, rejected, _ = pair_logps(model, on_device)
        ids += row["ids"]
        found.append(torch.stack([*chosen, *rejected]))
    numbers = torch.cat(found, dim=1).tolist() if found else [[]] * len(COLUMNS)
    columns = dict(zip(COLUMNS, numbers, strict=True))
    return pa.table({"id": ids, **columns}).sort_by("id")


def write_reference(path: Path, table: pa.Table) -> None:
    """Write `reference_logps.parquet`."""
    write_parquet(path, table)


def part_of(path: Path, number: int) -> Path:
    """Return where one of several processes writes its rows of `path`."""
    return path.with_suffix(f".{number}.part")


def merge_reference(path: Path, processes: int) -> None:
    """Merge the parts that several processes wrote into the file that one would have written."""
    parts = [part_of(path, number) for number in range(processes)]
    tables = [read_parquet(part) for part in parts]
    # One may have had no row, and its columns no type.
    write_reference(path, pa.concat_tables(tables, promote_options="default").sort_by("id"))
    for part in parts:
        part.unlink()


class CachedReference:
    """Look-up of the reference's `PairLogps` of a packed row in `reference_logps.parquet`."""

    def __init__(self, path: Path) -> None:
        table = read_parquet(path, columns=["id", *COLUMNS]).to_pydict()
        values = zip(*(table[name] for name in COLUMNS), strict=True)
        self._by_id = dict(zip(table["id"], values, strict=True))
        self._path = path

    def __call__(self, row: PackedRow) -> PairLogps:
        try:
            values = [self._by_id[pair] for pair in row["ids"]]
        except KeyError as missing:
            raise UserError(
                f"{self._path}: no pair {missing}: made from other data; delete it and rerun"
            ) from None
        columns = without_waiting(torch.tensor(values), row["input_ids"].device).T
        return PairLogps(CompletionLogps(*columns[:2]), CompletionLogps(*columns[2:]))


class OnlineReference:
    """Computation of the reference's `PairLogps` of a packed row, by a second model in memory.

    For Figure 2(b) alone, which measures what it costs: the cached values are the same.
    """

    def __init__(self, model: Any, precision: torch.dtype) -> None:
        self._model, self._precision = model.eval().requires_grad_(False), precision
        fuse(model)

    def __call__(self, row: PackedRow) -> PairLogps:
        enabled = self._precision != torch.float32
        with torch.no_grad(), torch.autocast(self._model.device.type, self._precision, enabled):
            return pair_logps(self._model, row)


def _to(value: object, device: torch.device) -> object:
    return without_waiting(value, device) if isinstance(value, Tensor) else value


def score_reference(model: Path, tokens: Path, settings: str, out: Path) -> None:
    """Score train and held-out pairs by the same forward as training, without gradients."""
    import torch

    training = Training.model_validate(json.loads(settings))
    pairs = [*read_tokens(tokens, "train"), *read_tokens(tokens, "heldout")]
    # fp32 weights under autocast, as in training: the margin over the reference is then 0 at step
    # 0.
    device = default_device()
    precision = resolve_precision(training.precision)
    attention = implementation(training.attention, device, precision)
    base = load_policy(model, torch.float32, attention).to(device)
    budget = token_budget(training, base)
    rows = list(packed_by_length(pairs, budget))
    number, processes = place()
    if processes > 1 and number == 0:
        shares = [_size_of(rows[n::processes]) for n in range(processes)]
        print(f"scores: {split_of(shares)}", file=sys.stderr, flush=True)
    found = score_pairs(base, rows[number::processes], precision)
    write_reference(part_of(out, number) if processes > 1 else out, found)


def _size_of(rows: list[PackedRow]) -> dict[str, int]:
    return {
        "rows": len(rows),
        "pairs": sum(len(row["ids"]) for row in rows),
        "tokens": sum(row["input_ids"].numel() for row in rows),
    }
