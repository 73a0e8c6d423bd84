"""Log-probabilities of pairs under a reference: computed, kept, read back, or computed online."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from torch import Tensor

from asft.errors import UserError
from asft.losses import CompletionLogps, PairLogps
from asft.parquet import read_parquet, write_parquet
from asft.progress import Bar
from asft.training.fused import fuse
from asft.training.packing import PackedRow, without_waiting
from asft.training.pair_logps import pair_logps

COLUMNS = ("chosen_sum", "chosen_tokens", "rejected_sum", "rejected_tokens")
# Sums over the completion's first tokens, as many as the shorter of the two has.
SHARED = ("chosen_shared_sum", "rejected_shared_sum")


def score_pairs(
    model: Any, rows: Sequence[PackedRow], precision: torch.dtype, *, fused: bool = True
) -> pa.Table:
    """Compute log-probability sums and token counts of all pairs, sorted by id.

    The forward pass is the trainer's own, for which layers of `model` are replaced: with
    `fused=False` they stay as they are.
    """
    model.eval()
    if fused:
        fuse(model)
    found: list[Tensor] = []  # read at the end: a number read off a GPU waits for it
    ids: list[str] = []
    device = model.device
    autocast = torch.autocast(device.type, precision, enabled=precision != torch.float32)
    for row in Bar(rows, desc="reference", unit="row"):
        on_device = PackedRow(**{k: _to(v, device) for k, v in row.items()})  # type: ignore[typeddict-item]
        with torch.no_grad(), autocast:
            logps = pair_logps(model, on_device, shared=True)
        ids += row["ids"]
        assert logps.shared is not None
        shared = [side.sum for side in logps.shared[:2]]
        found.append(torch.stack([*logps.chosen, *logps.rejected, *shared]))
    numbers = torch.cat(found, dim=1).tolist() if found else [[]] * len(COLUMNS + SHARED)
    columns = dict(zip(COLUMNS + SHARED, numbers, strict=True))
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
        table = read_parquet(path, columns=["id", *COLUMNS, *SHARED]).to_pydict()
        values = zip(*(table[name] for name in COLUMNS + SHARED), strict=True)
        self._by_id = dict(zip(table["id"], values, strict=True))
        self._path = path

    def __call__(self, row: PackedRow) -> PairLogps:
        try:
            values = [self._by_id[pair] for pair in row["ids"]]
        except KeyError as missing:
            raise UserError(
                f"{self._path}: no pair {missing}: made from other data, or for another method;"
                " delete it and rerun"
            ) from None
        columns = without_waiting(torch.tensor(values), row["input_ids"].device).T
        chosen, rejected = CompletionLogps(*columns[:2]), CompletionLogps(*columns[2:4])
        least = torch.minimum(chosen.tokens, rejected.tokens)
        shared = [CompletionLogps(sums, least) for sums in columns[4:]]
        return PairLogps(chosen, rejected, shared=PairLogps(shared[0], shared[1]))


def _to(value: object, device: torch.device) -> object:
    return without_waiting(value, device) if isinstance(value, Tensor) else value
