"""History of a training: `history.csv` and the step times behind `cost.json`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from asft.files import write_text
from asft.losses import PairLogps
from asft.training.distributed import current_device, processes, summed
from asft.training.packing import PackedRow

COLUMNS = [
    "step",
    "split",
    "loss",
    "learning_rate",
    "grad_norm",
    "logp_chosen",
    "logp_rejected",
    "margin",
    "logp_chosen_sum",
    "logp_rejected_sum",
    "margin_sum",
    "accuracy",
    "pairs",
    "tokens",
    "completion_tokens",
    "seconds",
]
# What is seen of each pair; the last is summed over a step's pairs, the others are averaged.
KEYS = [
    "loss",
    "logp_chosen",
    "logp_chosen_sum",
    "logp_rejected",
    "logp_rejected_sum",
    "margin",
    "margin_sum",
    "accuracy",
    "completion_tokens",
]
# The file is without the seconds, which differ from run to run (`cost.json`).
WRITTEN = [column for column in COLUMNS if column != "seconds"]
HEADER = ",".join(WRITTEN)

BEHIND = 2  # so many rows keep their tensors: by then a GPU has computed them


class History:
    """One row per training step and per measurement; keeps tensors until asked for numbers.

    Reading a number off a GPU waits for it, so nothing is converted before it is asked for, or
    before the step after the next: then it has long been computed.
    """

    def __init__(self) -> None:
        self._parts: list[dict[str, Tensor | int]] = []
        self._rows: list[dict[str, Any]] = []
        self._plain = 0  # so many of the rows hold no tensors any more
        self._measured: set[int] = set()
        self._began = 0.0

    def add_row(self, losses: Tensor, policy: PairLogps, row: PackedRow) -> None:
        """Add one packed row of the current step, with `losses` and `policy` of `compute_loss`."""
        with torch.no_grad():
            chosen, rejected = policy.chosen.tokens > 0, policy.rejected.tokens > 0
            both = chosen & rejected
            blank = torch.full_like(policy.margin, float("nan"))
            part = {
                "loss": losses.float(),
                "logp_chosen": torch.where(chosen, policy.chosen.mean, blank),
                "logp_chosen_sum": torch.where(chosen, policy.chosen.sum, blank),
                "logp_rejected": torch.where(rejected, policy.rejected.mean, blank),
                "logp_rejected_sum": torch.where(rejected, policy.rejected.sum, blank),
                "margin": torch.where(both, policy.margin, blank),
                "margin_sum": torch.where(both, policy.margin_sum, blank),
                "accuracy": torch.where(both, (policy.margin > 0).float(), blank),
                "completion_tokens": policy.chosen.tokens + policy.rejected.tokens,
            }
            self._parts.append({k: v.detach() for k, v in part.items()})
            self._parts[-1]["tokens"] = row["tokens"]

    def end_step(self, step: int, split: str = "train") -> None:
        """Close the step: what was added since the last one becomes one row."""
        parts, self._parts = self._parts, []
        if processes() > 1:
            self._add({"step": step, "split": split} | _over_all(parts))
            return
        row: dict[str, Any] = {"step": step, "split": split}
        for key in parts[0]:
            if key == "tokens":
                row[key] = sum(int(part[key]) for part in parts)
            else:
                values = torch.cat([part[key] for part in parts])  # type: ignore[misc]
                # Rows of one completion have no number for the other; of a loss NaN is a fault.
                mean = values.mean() if key == "loss" else values.nanmean()
                row[key] = values.sum() if key == "completion_tokens" else mean
                row["pairs"] = len(values)
        self._add(row)

    def _add(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        if row["split"] == "heldout":
            self._measured.add(row["step"])
        self._convert(len(self._rows) - BEHIND)

    def _convert(self, end: int) -> None:
        """Turn the tensors of all rows before `end` into numbers."""
        for number in range(self._plain, end):
            row = self._rows[number]
            self._rows[number] = {k: _number(v) for k, v in row.items()}
        self._plain = max(self._plain, end)

    def add_step(self, step: int, numbers: dict[str, Any]) -> None:
        """Add a training step of another's trainer, of which some of `COLUMNS` are known."""
        self._add({"step": step, "split": "train"} | numbers)

    def begin_step(self) -> None:
        """Start the clock of a training step."""
        self._began = time.perf_counter()

    def stop_clock(self, device: torch.device) -> None:
        """Record the seconds of the step just ended, once the device has done its work."""
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        self._rows[-1]["seconds"] = time.perf_counter() - self._began

    def annotate(self, step: int, logs: dict[str, float]) -> None:
        """Add what the Trainer reports of a step and the row lacks, such as the learning rate."""
        for row in reversed(self._rows):
            if row["step"] == step and row["split"] == "train":
                row |= {k: logs[k] for k in COLUMNS if k in logs and k not in row}
                return

    def measured(self, step: int) -> bool:
        """Return whether the held-out pairs were already measured at this step."""
        return step in self._measured

    def restore(self, rows: list[dict[str, Any]]) -> None:
        """Continue behind the rows of an interrupted run."""
        self._rows, self._plain = list(rows), len(rows)
        self._measured = {row["step"] for row in rows if row["split"] == "heldout"}

    def rows(self, start: int = 0) -> list[dict[str, Any]]:
        """Return rows from `start` on as plain numbers, in the order of `COLUMNS`.

        What is missing in one is left out. Waits for the device.
        """
        self._convert(len(self._rows))
        return [{k: row[k] for k in COLUMNS if k in row} for row in self._rows[start:]]

    def newest(self, split: str) -> dict[str, Any]:
        """Return the newest row of a split as plain numbers; waits for the device."""
        self._convert(len(self._rows))
        return next(row for row in reversed(self._rows) if row["split"] == split)

    def lines(self, start: int = 0) -> list[str]:
        """Return the lines of `history.csv` from row `start` on; waits for the device."""
        self._convert(len(self._rows))
        return [",".join(_cell(row.get(c)) for c in WRITTEN) for row in self._rows[start:]]

    def tokens_per_second(self, steps: int) -> float | None:
        """Return the speed of the last so many training steps; None before the first."""
        timed = [row for row in self._rows[-2 * steps :] if "seconds" in row][-steps:]
        seconds = sum(row["seconds"] for row in timed)
        return round(sum(row["tokens"] for row in timed) / seconds, 1) if seconds else None

    def write(self, path: Path) -> None:
        """Write `history.csv`."""
        write_text(path, "\n".join([HEADER, *self.lines()]) + "\n")


def _over_all(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Means and sums over the pairs of all processes, of which this one may have none."""
    device = parts[0]["loss"].device if parts else current_device()
    none = torch.zeros(0, dtype=torch.float64, device=device)
    seen = [torch.cat([none, *(part[key].double() for part in parts)]) for key in KEYS]
    tokens = torch.tensor(sum(part["tokens"] for part in parts), device=device)
    counts = [torch.tensor(len(seen[0]), device=device), tokens]
    there = [s if key == "loss" else s[~s.isnan()] for key, s in zip(KEYS, seen, strict=True)]
    sizes = [torch.tensor(len(s), device=device) for s in there]
    *found, pairs, length = summed(
        torch.stack([*(s.sum() for s in there), *(c.double() for c in [*sizes, *counts])])
    ).unbind()
    totals, of = found[: len(KEYS)], found[len(KEYS) :]
    row = {key: total / n for key, total, n in zip(KEYS, totals, of, strict=True)}
    numbers = {"completion_tokens": totals[-1], "pairs": pairs, "tokens": length}
    return row | {key: value.long() for key, value in numbers.items()}


def _number(value: Any) -> Any:
    return value.item() if isinstance(value, Tensor) else value


def _cell(value: Any) -> str:
    if value is None or value != value:  # NaN: SFT does not look at rejected completions
        return ""
    return f"{value:.8g}" if isinstance(value, float) else str(value)
