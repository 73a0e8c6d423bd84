"""Ratings in a score file: a row per question, `turn1`, `turn1_status`, `turn2`, …"""

import re
from pathlib import Path
from typing import Any

import numpy as np

from asft.errors import UserError
from asft.metrics.mt_bench import Ratings, from_verdicts
from asft.metrics.score_files import Cells, Found, cell, first_cells, number
from asft.records import Question


def rating_rows(questions: list[Question], found: Found, repeats: int) -> list[dict[str, Any]]:
    """Return the rows of a score file, one per question; verdicts are by turn."""
    rated = from_verdicts(found.values(), questions)
    rows = []
    for i, question in enumerate(questions):
        given = [
            [found.get((question.question_id, turn + 1, repeat)) for repeat in range(repeats)]
            for turn in range(len(question.turns))
        ]
        row = first_cells(question, [verdict for turn in given for verdict in turn])
        for turn in range(rated.values.shape[1]):
            asked = turn < len(given)
            statuses = [v.status if v else "missing" for v in given[turn]] if asked else []
            mean = float(rated.values[i, turn, 0])
            row[f"turn{turn + 1}"] = mean if "ok" in statuses else ""
            row[f"turn{turn + 1}_status"] = ";".join(statuses)
        rows.append(row)
    return rows


def read_ratings(path: Path, rows: list[Cells]) -> Ratings:
    """Read the ratings of one score file.

    Raises:
        UserError: a question occurs twice, a column is missing, or a cell is no number.
    """
    turns = [int(found[1]) for name in rows[0] if (found := re.fullmatch(r"turn(\d+)", name))]
    values = np.full((len(rows), len(turns), 1), np.nan)
    asked = np.zeros(values.shape, dtype=bool)
    for i, row in enumerate(rows):
        for j, turn in enumerate(turns):
            asked[i, j] = cell(path, row, f"turn{turn}_status") != ""
            if cell(path, row, f"turn{turn}"):
                values[i, j] = number(path, row, f"turn{turn}")
    ids = [cell(path, row, "question_id") for row in rows]
    if len(set(ids)) < len(ids):
        raise UserError(f"{path}: a question_id occurs twice")
    return Ratings(ids, [cell(path, row, "category") for row in rows], values, asked)
