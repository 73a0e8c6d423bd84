"""Games in a score file: a row per question and repeat, `g1_label`, `g1_status`, `g1_w`, …"""

from pathlib import Path
from typing import Any

import numpy as np

from asft.errors import UserError
from asft.metrics.arena_hard import DECISIVE_WEIGHT, OUTCOMES, Games
from asft.metrics.arena_hard_v2 import density_difference
from asft.metrics.corpus import Values
from asft.metrics.score_files import Cells, Found, cell, first_cells, number
from asft.metrics.style_control import FEATURES, style_difference
from asft.records import Question

WEIGHT = "decisive_weight"  # column of files that do not weigh as upstream


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
    weight = number(path, rows[0], WEIGHT) if WEIGHT in rows[0] else DECISIVE_WEIGHT
    counts = _counts(path, rows)
    style = None if counts is None else style_difference(*counts)
    return Games(ids, labels, style, decisive_weight=weight)


def whole_question_rows(
    questions: list[Question], found: Found, repeats: int
) -> list[dict[str, Any]]:
    """Return the rows of a score file of Arena-Hard v2.0, in which no game counts alone."""
    rows = game_rows(questions, found, repeats)
    for row in rows:
        both = bool(row["g1_label"] and row["g2_label"])
        row |= {"both_games": int(both)} | ({} if both else {"g1_w": 0, "g2_w": 0})
    return rows


def read_whole_questions(path: Path, rows: list[Cells]) -> Games:
    """Read the games of one score file of Arena-Hard v2.0, as `read_games`."""
    games = read_games(path, rows)
    alone = [cell(path, row, "both_games") != "1" for row in rows]
    labels = [("", "") if one else pair for one, pair in zip(alone, games.labels, strict=True)]
    counts = _counts(path, rows)
    densities = None if counts is None else density_difference(*counts)
    return games._replace(labels=labels, densities=densities)


def weigh(rows: list[dict[str, Any]], decisive_weight: int) -> None:
    """Give the decisive games of a score file's rows another weight, and say so in a column."""
    for row in rows:
        for name in ("g1_w", "g2_w"):
            row[name] = decisive_weight if row[name] == DECISIVE_WEIGHT else row[name]
        row[WEIGHT] = decisive_weight


def _counts(path: Path, rows: list[Cells]) -> tuple[Values, Values] | None:
    """The style counts of policy and baseline, (rows, 4) each; None where some are not known."""
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
    return counts[:, : len(FEATURES)], counts[:, len(FEATURES) :]
