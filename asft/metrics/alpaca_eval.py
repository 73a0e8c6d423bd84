"""AlpacaEval's win rate by a judge of one's own: the mean preference over both games of a question.

A verdict's rating is the preference for the second output: the policy's in game 1, the baseline's
in game 2. Several repeats of a game are averaged first. Upstream plays one game a question, by
GPT-4 Turbo: the numbers of another judge cannot be compared with its leaderboard.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from asft.errors import UserError
from asft.metrics.corpus import Values
from asft.metrics.score_files import Cells, Found, cell, first_cells, number
from asft.records import Question

GAMES = (1, 2)
REMARK = "AlpacaEval's prompt by another judge, in both orders: not comparable to its leaderboard"


class Choices(NamedTuple):
    """The preferences for one policy, pooled over its training seeds.

    `values` are (seeds, questions, 2 games), 0 to 1, NaN where no verdict counts.
    """

    question_ids: list[str]
    values: Values

    @property
    def n_asked(self) -> int:
        return self.values.size

    @property
    def n_scored(self) -> int:
        return int(np.isfinite(self.values).sum())

    @property
    def turns(self) -> Values:
        """(questions,): a game is about one turn."""
        return np.ones(len(self.question_ids))


def choice_rows(questions: list[Question], found: Found, repeats: int) -> list[dict[str, Any]]:
    """Return the rows of a score file, one per question; verdicts are by game."""
    rows = []
    for question in questions:
        given = {
            game: [found.get((question.question_id, game, repeat)) for repeat in range(repeats)]
            for game in GAMES
        }
        row = first_cells(question, [verdict for game in GAMES for verdict in given[game]])
        for game in GAMES:
            ratings = [v.rating for v in given[game] if v and v.status == "ok"]
            known = [rating for rating in ratings if rating is not None]
            mean = sum(known) / len(known) if known else math.nan
            own = mean if game == 1 else 1 - mean
            row[f"g{game}_preference"] = own if known else ""
            statuses = [verdict.status if verdict else "missing" for verdict in given[game]]
            row[f"g{game}_status"] = ";".join(statuses)
        rows.append(row)
    return rows


def read_choices(path: Path, rows: list[Cells]) -> Choices:
    """Read the preferences of one score file.

    Raises:
        UserError: a question occurs twice, a column is missing, or a cell is no number from 0 to 1.
    """
    values = np.full((1, len(rows), len(GAMES)), np.nan)
    for i, row in enumerate(rows):
        for j, game in enumerate(GAMES):
            name = f"g{game}_preference"
            if cell(path, row, name):
                values[0, i, j] = number(path, row, name)
                if not 0 <= values[0, i, j] <= 1:
                    where = f"{path}, question {row['question_id']!r}, column {name!r}"
                    raise UserError(f"{where}: expected 0 to 1, found {row[name]}; score again")
    ids = [cell(path, row, "question_id") for row in rows]
    if len(set(ids)) < len(ids):
        raise UserError(f"{path}: a question_id occurs twice")
    return Choices(ids, values)


def pool(seeds: Sequence[Choices]) -> Choices:
    """Join the preferences of several training seeds of one method; the same questions in each.

    Raises:
        ValueError: the questions differ.
    """
    if any(each.question_ids != seeds[0].question_ids for each in seeds):
        raise ValueError("not the same questions")
    return seeds[0]._replace(values=np.concatenate([each.values for each in seeds]))


def preferences_per_question(choices: Choices) -> Values:
    """Return the sum of each question's preferences and their number: (seeds, questions, 2)."""
    scored = np.isfinite(choices.values)
    sums = np.where(scored, choices.values, 0).sum(axis=2)
    return np.stack([sums, scored.sum(axis=2)], axis=-1)


def flags(choices: Choices) -> Iterator[tuple[str, str]]:
    """Yield (question_id, flag): "n" where a verdict is missing, "d" where the orders disagree."""
    for question_id, games in zip(choices.question_ids, choices.values[0], strict=True):
        if np.isnan(games).any():
            yield question_id, "n"
        elif (games[0] - 0.5) * (games[1] - 0.5) < 0:
            yield question_id, "d"
