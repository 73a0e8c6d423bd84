"""Score files, one per (dataset, method, seed), as asft.metrics.score writes them."""

import csv
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from asft.errors import UserError
from asft.metrics.corpus import METRICS, Values

NUMBERS = [*(column for metric in METRICS.values() for column in metric.columns), "tokens"]


class Scores(NamedTuple):
    """One score file; `columns` are (n,) arrays in the order of `question_ids`."""

    path: Path
    question_ids: list[str]
    columns: dict[str, Values]
    bleu_signature: str


def read_cells(path: Path) -> list[dict[str, str]]:
    """The rows of a score file of any kind, as text.

    Raises:
        UserError: no such file, no rows, or no CSV.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: not a CSV file ({error}); score again") from error
    if not rows:
        raise UserError(f"{path}: no scores")
    return rows


def read_scores(path: Path) -> Scores:
    """Question ids and numeric columns of one score file.

    Raises:
        UserError: no such file, no rows, a missing column or a cell that is no finite number.
    """
    rows = read_cells(path)
    for key in ("question_id", "bleu_signature", *NUMBERS):
        if key not in rows[0]:
            raise UserError(f"{path}: no column {key!r}; is this a file of `asft score`?")
    columns = {
        key: np.array(
            [_number(row[key], f"{path}, row {i}, column {key!r}") for i, row in enumerate(rows, 1)]
        )
        for key in NUMBERS
    }
    ids = [row["question_id"] for row in rows]
    return Scores(path, ids, columns, rows[0]["bleu_signature"])


def check_comparable(files: list[Scores]) -> None:
    """Refuse files that do not hold the same questions in the same order, or differ in BLEU.

    Raises:
        UserError: names the two files.
    """
    first = files[0]
    for file in files[1:]:
        if file.question_ids != first.question_ids:
            raise UserError(f"{file.path}: other questions, or another order, than {first.path}")
        if file.bleu_signature != first.bleu_signature:
            raise UserError(
                f"{file.path}: BLEU signature {file.bleu_signature!r}, but"
                f" {first.bleu_signature!r} in {first.path}; score both with one sacreBLEU"
            )


def _number(text: str | None, where: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{where}: expected a number, found {text!r}; score again")
    return value
