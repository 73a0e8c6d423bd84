"""Score files: what all have in common, and those of reference metrics (asft.metrics.score)."""

import csv
import math
from collections.abc import Mapping, Sequence
from itertools import compress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from asft.errors import UserError
from asft.metrics.corpus import METRICS, ROUGE, Values
from asft.records import NO_ANSWER, Question, Verdict

Cells = dict[str, str]  # a row, as text
# Verdicts by question_id, by game (the turn, where there are no games), by repeat.
Key = tuple[str, int, int]
Found = Mapping[Key, Verdict]
NUMBERS = [*(column for metric in METRICS.values() for column in metric.columns), "tokens"]
DROPPED = "rouge_dropped"  # a script: of this question's references rouge-score measures nothing


class Scores(NamedTuple):
    """The numbers of one score file; `columns` are (n,) arrays in the order of `question_ids`."""

    path: Path
    question_ids: list[str]
    columns: dict[str, Values]
    bleu_signature: str
    dropped: list[str]  # by question: the script for which it has no ROUGE, or ""


def read_cells(path: Path) -> list[Cells]:
    """Read the rows of a score file of any kind, as text.

    Raises:
        UserError: no such file, no rows, or no CSV.
    """
    rows = csv_rows(path, "score again")
    if not rows:
        raise UserError(f"{path}: no scores")
    return rows


def csv_rows(path: Path, advice: str) -> list[Cells]:
    """Read the rows of a CSV file, as text.

    Raises:
        UserError: no such file, or no CSV; the latter ends with `advice`.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: not a CSV file ({error}); {advice}") from error


def read_scores(path: Path) -> Scores:
    """Read the question ids and numeric columns of one score file.

    Raises:
        UserError: no such file, no rows, a missing column or a cell that is no finite number.
            Tokens that nobody counted, ROUGE of a dropped script, and all cells of a question
            without an answer are empty, and NaN here.
    """
    rows = read_cells(path)
    for key in ("question_id", "bleu_signature", *NUMBERS):
        if key not in rows[0]:
            raise UserError(f"{path}: no column {key!r}; is this a file of `asft score`?")
    columns = {
        key: np.array(
            [_value(row, key, f"{path}, row {i}, column {key!r}") for i, row in enumerate(rows, 1)]
        )
        for key in NUMBERS
    }
    ids = [row["question_id"] for row in rows]
    dropped = [row.get(DROPPED) or "" for row in rows]
    return Scores(path, ids, columns, rows[0]["bleu_signature"], dropped)


def first_cells(question: Question, verdicts: Sequence[Verdict | None]) -> dict[str, Any]:
    """Return the cells that every row of a judged benchmark begins with."""
    models = sorted({verdict.model for verdict in verdicts if verdict and verdict.model})
    return {
        "question_id": question.question_id,
        "category": question.category,
        "judge_model": ";".join(models),
    }


def cell(path: Path, row: Cells, name: str) -> str:
    """Return the text of one cell of a judged benchmark's row.

    Raises:
        UserError: the column is missing.
    """
    value = row.get(name)
    if value is None:
        raise UserError(f"{path}: no column {name!r}; is this a file of score-verdicts?")
    return value


def number(path: Path, row: Cells, name: str) -> float:
    """Return the number in one cell of a judged benchmark's row.

    Raises:
        UserError: the column is missing, or the cell holds no finite number.
    """
    where = f"{path}, question {row['question_id']!r}, column {name!r}"
    return finite(cell(path, row, name), where)


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
        if file.dropped != first.dropped:
            raise UserError(
                f"{file.path}: other questions without ROUGE than in {first.path}; score both again"
            )


def _value(row: Cells, column: str, where: str) -> float:
    # A server need not count tokens.
    dropped = column in ROUGE and row.get(DROPPED)
    may_be_empty = column == "tokens" or dropped or row.get("finish_reason") == NO_ANSWER
    return math.nan if row[column] == "" and may_be_empty else finite(row[column], where)


def in_all(files: Sequence[Scores]) -> list[Scores]:
    """Return the files without the questions to which one of them has no answer.

    The files hold the same questions (`check_comparable`).

    Raises:
        UserError: no question is left.
    """
    kept = np.ones(len(files[0].question_ids), dtype=bool)
    for file in files:
        kept &= ~np.isnan(file.columns["bleu_ref_len"])
    if not kept.any():
        raise UserError(f"{files[0].path}: no question has an answer in this and every other file")
    return [
        file._replace(
            question_ids=list(compress(file.question_ids, kept)),
            columns={name: values[kept] for name, values in file.columns.items()},
            dropped=list(compress(file.dropped, kept)),
        )
        for file in files
    ]


def finite(text: str | None, where: str) -> float:
    """Return the number that a cell holds.

    Raises:
        UserError: begins with `where`; it holds none, or an infinite one.
    """
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{where}: expected a number, found {text!r}; score again")
    return value
