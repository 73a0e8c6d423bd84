"""Score files of judged benchmarks, one per (method, seed, benchmark, judge).

Reads the CSV that asft.metrics.score_verdicts writes; that module says what the columns are.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from asft.errors import UserError
from asft.metrics import arena_hard, mt_bench
from asft.metrics.arena_hard import OUTCOMES, Games
from asft.metrics.corpus import Values
from asft.metrics.mt_bench import Ratings
from asft.metrics.score_files import read_cells
from asft.metrics.statistics import answered
from asft.metrics.style_control import FEATURES, style_difference

Cells = dict[str, str]


class Judged(NamedTuple):
    """What one or several files of a method hold: ratings (MT-Bench) or games (Arena-Hard)."""

    path: Path
    question_ids: list[str]
    content: Ratings | Games
    statuses: Counter[str]
    judge_models: frozenset[str]
    tokens_per_answer: tuple[float, ...]  # one mean a file; empty if the answers are not known

    @property
    def n_questions_scored(self) -> int:
        if isinstance(self.content, Games):
            return int(answered(arena_hard.outcomes_per_question(self.content)).sum())
        return int(answered(mt_bench.ratings_per_question(self.content)).sum())

    @property
    def avg_tokens(self) -> float | None:
        return float(np.mean(self.tokens_per_answer)) if self.tokens_per_answer else None


def read_verdict_scores(path: Path) -> Judged:
    """One score file.

    Raises:
        UserError: no such file, no rows, a missing column, or a cell that cannot be.
    """
    rows = read_cells(path)
    if "g1_label" in rows[0]:
        content: Ratings | Games = _games(path, rows)
        statuses = Counter(_cell(path, row, f"g{game}_status") for row in rows for game in (1, 2))
        answers = len(rows)
    elif "turn1" in rows[0]:
        content = _ratings(path, rows)
        joined = [_cell(path, row, f"turn{n}_status") for row in rows for n in _turns(rows)]
        statuses = Counter(status for cell in joined if cell for status in cell.split(";"))
        answers = content.n_asked
    else:
        raise UserError(f"{path}: neither ratings nor games; is this a file of score-verdicts?")
    models = {name for row in rows for name in _cell(path, row, "judge_model").split(";") if name}
    tokens = [_number(path, row, "tokens") for row in rows if _cell(path, row, "tokens")]
    average = (sum(tokens) / answers,) if len(tokens) == len(rows) else ()
    ids = list(dict.fromkeys(_cell(path, row, "question_id") for row in rows))
    return Judged(path, ids, content, statuses, frozenset(models), average)


def pool(files: Sequence[Judged]) -> Judged:
    """The files of several training seeds of one method; all ratings or all games.

    Raises:
        UserError: files differ in their questions or their protocol.
    """
    first = files[0]
    for file in files:
        if file.question_ids != first.question_ids:
            raise UserError(f"{file.path}: other questions, or another order, than {first.path}")
    if isinstance(first.content, Games):
        games = [file.content for file in files if isinstance(file.content, Games)]
        content: Ratings | Games = arena_hard.pool(games)
        alike = len(games) == len(files)
    else:
        rated = [file.content for file in files if isinstance(file.content, Ratings)]
        content = mt_bench.pool(rated)
        alike = len(rated) == len(files)
    if not alike:
        raise UserError(f"{first.path}: ratings and games cannot share a column")
    return first._replace(
        content=content,
        statuses=sum((file.statuses for file in files), Counter[str]()),
        judge_models=frozenset().union(*(file.judge_models for file in files)),
        tokens_per_answer=tuple(mean for file in files for mean in file.tokens_per_answer),
    )


def _ratings(path: Path, rows: list[Cells]) -> Ratings:
    values = np.full((len(rows), len(_turns(rows)), 1), np.nan)
    asked = np.zeros(values.shape, dtype=bool)
    for i, row in enumerate(rows):
        for j, turn in enumerate(_turns(rows)):
            asked[i, j] = _cell(path, row, f"turn{turn}_status") != ""
            if _cell(path, row, f"turn{turn}"):
                values[i, j] = _number(path, row, f"turn{turn}")
    ids = [_cell(path, row, "question_id") for row in rows]
    if len(set(ids)) < len(ids):
        raise UserError(f"{path}: a question_id occurs twice")
    return Ratings(ids, [_cell(path, row, "category") for row in rows], values, asked)


def _games(path: Path, rows: list[Cells]) -> Games:
    for row in rows:
        for game in (1, 2):
            label = _cell(path, row, f"g{game}_label")
            if label not in OUTCOMES:
                raise UserError(f"{path}, question {row['question_id']!r}: no label {label!r}")
    ids = [_cell(path, row, "question_id") for row in rows]
    labels = [(_cell(path, row, "g1_label"), _cell(path, row, "g2_label")) for row in rows]
    return Games(ids, labels, _style(path, rows))


def _style(path: Path, rows: list[Cells]) -> Values | None:
    names = [prefix + feature for prefix in ("", "baseline_") for feature in FEATURES]
    if any(_cell(path, row, name) == "" for row in rows for name in names):
        return None
    counts = np.array([[_number(path, row, name) for name in names] for row in rows])
    return style_difference(counts[:, : len(FEATURES)], counts[:, len(FEATURES) :])


def _turns(rows: list[Cells]) -> list[int]:
    return [int(found[1]) for name in rows[0] if (found := re.fullmatch(r"turn(\d+)", name))]


def _cell(path: Path, row: Cells, name: str) -> str:
    value = row.get(name)
    if value is None:
        raise UserError(f"{path}: no column {name!r}; is this a file of score-verdicts?")
    return value


def _number(path: Path, row: Cells, name: str) -> float:
    try:
        value = float(_cell(path, row, name))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(
            f"{path}, question {row['question_id']!r}, column {name!r}: expected a number, found"
            f" {row[name]!r}; score again"
        )
    return value
