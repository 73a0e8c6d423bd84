"""AlpacaEval's file of gamed baselines, by which every length-controlled fit is held.

It is df_gamed.csv of the hub's data set tatsu-lab/alpaca_eval, which upstream downloads for each
fit: CC BY-NC 4.0, and so neither part of this project nor fetched by it. Its columns are those that
alpaca_eval 0.6.6 reads (metrics/glm_winrate.py).
"""

import math
from pathlib import Path

import numpy as np

from asft.errors import UserError
from asft.metrics.corpus import Values
from asft.metrics.length_controlled import GamedBaselines
from asft.metrics.score_files import csv_rows

COLUMNS = ("preference", "std_delta_len", "instruction_difficulty")


def read_gamed(path: Path) -> tuple[GamedBaselines, Values]:
    """Read df_gamed.csv: the rows of the gamed baselines, and all difficulties in their order.

    A difficulty stands in several rows, one a baseline; the first counts. An empty preference is
    NaN.

    Raises:
        UserError: no such file, a column is missing, a cell holds no number, a preference is not
            between 0 and 1, or the numbers of the instructions, column `index`, leave a gap.
    """
    rows = csv_rows(path, "fetch df_gamed.csv again")
    missing = [name for name in (*COLUMNS, "index") if not rows or name not in rows[0]]
    if missing:
        raise UserError(f"{path}: no column {missing[0]!r}; is this alpaca_eval's df_gamed.csv?")
    found = GamedBaselines(
        *(
            np.array([_number(path, n, row, name) for n, row in enumerate(rows, 1)])
            for name in COLUMNS
        )
    )
    for number, preference in enumerate(found.preference, 1):
        if not (math.isnan(preference) or 0 <= preference <= 1):
            raise UserError(
                f"{path}, row {number}, column 'preference': {preference:g}, not 0 to 1"
            )
    difficulties: dict[int, float] = {}
    for n, (row, difficulty) in enumerate(zip(rows, found.difficulty, strict=True), 1):
        difficulties.setdefault(int(_number(path, n, row, "index")), float(difficulty))
    if sorted(difficulties) != list(range(len(difficulties))):
        raise UserError(f"{path}: column 'index' does not count from 0 without a gap")
    return found, np.array([difficulties[place] for place in range(len(difficulties))])


def _number(path: Path, number: int, row: dict[str, str], name: str) -> float:
    text = row[name]
    if name == "preference" and text == "":
        return math.nan
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{path}, row {number}, column {name!r}: expected a number, found {text!r}")
    return value
