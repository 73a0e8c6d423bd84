"""Games in a score file: a row per question and repeat, `g1_label`, `g1_status`, `g1_w`, …"""

from pathlib import Path
from typing import Any

import numpy as np

from asft.errors import UserError
from asft.metrics.arena_hard import OUTCOMES, Games
from asft.metrics.corpus import Values
from asft.metrics.score_files import Cells, Found, cell, first_cells, number
from asft.metrics.style_control import FEATURES, style_difference
from asft.records import Question


def game_rows(questions: list[Question], found: Found, repeats: int) -> list[dict[str, Any]]:
    """Return the rows of a score file, one per question and repeat; verdicts are by game."""
    return [_row(question, found, repeat) for question in questions for repeat in range(repeats)]


def _row(question: Question, found: Found, repeat: int) -> dict[str, Any]:
    games = [found.get((question.question_id, game, repeat)) for game in (1, 2)]
    row = first_cells(question, games) | {"repeat": repeat}
    for game, verdict in enumerate(games, 1):
        label = verdict.label if verdict and verdict.status == "ok" else None
        weight, points = OUTCOMES[label or ""]
        row[f"g{game}_label"] = label or ""
        row[f"g{game}_status"] = verdict.status if verdict else "missing"
        row[f"g{game}_w"] = int(weight)
        row[f"g{game}_y"] = (1 - points if game == 1 else points) if label else ""
    return row


def read_games(path: Path, rows: list[Cells]) -> Games:
    """Read the games of one score file, with the style of both answers where it is known.

    Raises:
        UserError: a column is missing, or a cell holds no label or no number.
    """
    for row in rows:
        for game in (1, 2):
            label = cell(path, row, f"g{game}_label")
            if label not in OUTCOMES:
                raise UserError(f"{path}, question {row['question_id']!r}: no label {label!r}")
    ids = [cell(path, row, "question_id") for row in rows]
    labels = [(row["g1_label"], row["g2_label"]) for row in rows]
    return Games(ids, labels, _style(path, rows))


def _style(path: Path, rows: list[Cells]) -> Values | None:
    names = [prefix + feature for prefix in ("", "baseline_") for feature in FEATURES]
    # Without a game there need be no answer either; its style is not looked at.
    played = [bool(row["g1_label"] or row["g2_label"]) for row in rows]
    there = [all(cell(path, row, name) for name in names) for row in rows]
    if not any(there) or any(g and not style for g, style in zip(played, there, strict=True)):
        return None
    counts = np.array(
        [
            [number(path, row, name) for name in names] if style else [0.0] * len(names)
            for row, style in zip(rows, there, strict=True)
        ]
    )
    return style_difference(counts[:, : len(FEATURES)], counts[:, len(FEATURES) :])
