"""A training so far, from the history.csv that grows beside its checkpoints: curves, and health."""

from __future__ import annotations

import math
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from asft.errors import UserError
from asft.metrics import notable, run_findings

POINTS = 200  # of a curve; more could not be told apart
Points = list[tuple[int, float]]  # step, value


class Curves(NamedTuple):
    """Points of each curve, on training and on held-out pairs."""

    loss: Points
    heldout_loss: Points
    margin: Points
    heldout_margin: Points


def read_curves(path: Path) -> Curves:
    """Read about `POINTS` steps, the last among them, and leave out a line that is cut short.

    Raises:
        OSError: there is no such file.
        ValueError: a line is not one of a history.
    """
    head, *lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    names = head.split(",")
    found = {}
    for split in ("train", "heldout"):
        own = [line for line in lines if line.split(",", 2)[1] == split]
        chosen = own[:: -max(1, len(own) // POINTS)][::-1]
        rows = [dict(zip(names, line.split(","), strict=True)) for line in chosen]
        for name in ("loss", "margin"):
            points = [(int(row["step"]), float(row[name] or "nan")) for row in rows]
            found[split, name] = [point for point in points if math.isfinite(point[1])]
    return Curves(
        found["train", "loss"],
        found["heldout", "loss"],
        found["train", "margin"],
        found["heldout", "margin"],
    )


def read_health(path: Path, settings: Path) -> list[str]:
    """Return in words what checks find of the rows so far, but for what is in range.

    Nothing where the run's settings cannot be read: what its loss looks at is not known then.

    Raises:
        OSError: there is no such file.
        ValueError: it is no history.
    """
    import pandas as pd

    whole, newline, _ = path.read_text(encoding="utf-8").rpartition("\n")
    try:
        found = run_findings(settings, pd.read_csv(StringIO(whole + newline)))
    except (UserError, LookupError, TypeError):
        return []
    return [f"{finding.level}: {finding.words}" for finding in notable(found)]
