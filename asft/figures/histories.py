"""Training histories read back: `history.csv` of several methods and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from asft.errors import UserError

QUANTITIES = (
    "loss",
    "grad_norm",
    "logp_chosen",
    "logp_rejected",
    "margin",
    "margin_sum",
    "accuracy",
)
MOST_POINTS = 100  # of a training curve; longer ones are averaged over neighbouring steps
Split = Literal["train", "heldout"]


class HistoryFile(NamedTuple):
    """The history of one run."""

    method: str
    seed: int
    path: Path


def read_history(path: Path) -> pd.DataFrame:
    """Read the rows of one history; empty cells are NaN.

    A loss that never looks at rejected answers leaves cells empty.

    Raises:
        UserError: no such file, no rows, a missing column, a cell that is no number.
    """
    try:
        rows = pd.read_csv(path)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path}: not a history.csv ({reason})") from error
    for column in ("step", "split", "pairs", *QUANTITIES):
        if column not in rows:
            raise UserError(f"{path}: no column {column!r}; is this the history.csv of a run?")
    if rows.empty:
        raise UserError(f"{path}: no rows")
    for column in ("step", "pairs", *QUANTITIES):
        if not pd.api.types.is_numeric_dtype(rows[column]):
            raise UserError(f"{path}, column {column!r}: not all cells are numbers; train again")
    return rows.replace([np.inf, -np.inf], np.nan)


def over_seeds(files: Sequence[HistoryFile], split: Split) -> pd.DataFrame:
    """Return mean, lowest and highest over a method's seeds at each step, methods as in `files`.

    Columns: method, split, step, pairs, seeds, then every quantity with `_low` and `_high`. A
    value that one of the seeds lacks is NaN, and a step that one of them lacks is left out.
    Training steps are first averaged to at most `MOST_POINTS` points a run.

    Raises:
        UserError: a file is unusable or has no rows of the split.
    """
    methods: dict[str, list[pd.DataFrame]] = {}
    for file in files:
        rows = read_history(file.path)
        rows = rows[rows["split"] == split]
        if rows.empty:
            hint = "; set `heldout` of its data set" if split == "heldout" else ""
            raise UserError(f"{file.path}: no rows of split {split!r}{hint}")
        methods.setdefault(file.method, []).append(_thin(rows) if split == "train" else rows)
    pooled = [_pool(method, seeds, split) for method, seeds in methods.items()]
    return pd.concat(pooled, ignore_index=True)


def steps_per_point(files: Sequence[HistoryFile]) -> int:
    """Return how many training steps the longest run's points are averages of."""
    steps = max((read_history(file.path)["split"] == "train").sum() for file in files)
    return max(1, -(-int(steps) // MOST_POINTS))


def _thin(rows: pd.DataFrame) -> pd.DataFrame:
    """Averages over neighbouring steps; a point stands at the middle of its steps."""
    together = -(-len(rows) // MOST_POINTS)
    if together <= 1:
        return rows
    groups = rows.groupby(np.arange(len(rows)) // together)
    return groups[["step", "pairs", *QUANTITIES]].mean()


def _pool(method: str, seeds: list[pd.DataFrame], split: Split) -> pd.DataFrame:
    steps = pd.concat(seeds).groupby("step", sort=True)
    complete = steps.size() == len(seeds)
    table = pd.DataFrame({"pairs": steps["pairs"].mean()})
    for name in QUANTITIES:
        known = steps[name].count() == len(seeds)
        table[name] = steps[name].mean().where(known)
        table[f"{name}_low"] = steps[name].min().where(known)
        table[f"{name}_high"] = steps[name].max().where(known)
    table = table[complete].reset_index()
    table.insert(0, "method", method)
    table.insert(1, "split", split)
    table.insert(4, "seeds", len(seeds))
    return table
