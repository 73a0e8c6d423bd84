"""The panels of figures of Table 4: one for each task and data set that methods were trained on."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from asft.config import UNTRAINED

NAMES = ["benchmark", "task", "trained_on"]  # of a panel, in a figure's numbers


def trained_on(datasets: Iterable[str]) -> list[str]:
    """Return the data sets of panels; where nothing was trained, what stands in its place."""
    found = [name for name in dict.fromkeys(datasets) if name != UNTRAINED]
    return found or [UNTRAINED]


def places_of(dataset: str, trained: list[str]) -> list[str]:
    """Return the data sets in whose panels a row stands: in all, if it was not trained here."""
    return trained if dataset == UNTRAINED else [dataset]


def panel_title(benchmark: str, task: str, trained: str) -> str:
    """Say in words what a panel is of."""
    title = f"{benchmark}: {task}"
    return title if trained == UNTRAINED else f"{title}, trained on {trained}"


def arranged(numbers: pd.DataFrame, abreast: int) -> tuple[list[Any], int, int]:
    """Return the panels, (names, rows) each, and the lines and columns that they stand in."""
    panels = list(numbers.groupby(NAMES, sort=False))
    columns = min(len(panels), abreast)
    return panels, -(-len(panels) // columns), columns
