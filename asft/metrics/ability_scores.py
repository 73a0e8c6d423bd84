"""Score files of abilities (asft.abilities.evaluate, implicit_reward): two sums a question."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from asft.errors import UserError
from asft.metrics.ability_words import explain
from asft.metrics.corpus import Values
from asft.metrics.score_files import Cells, finite, read_cells

ABOUT = ("task", "metric", "filter", "question_id", "doc")
SUMS = ("sum", "count")  # both empty: not measured


class AbilityKey(NamedTuple):
    """One number of a task, as lm-evaluation-harness names it."""

    task: str
    metric: str
    filter: str

    @classmethod
    def of(cls, row: Mapping[str, str]) -> "AbilityKey":
        """Return which number of which task a line of a score file or of Table 4 is of."""
        return cls(row["task"], row["metric"], row["filter"])

    @property
    def measure(self) -> str:
        """The number's name among its task's; a filter that does nothing is left out."""
        return self.metric if self.filter == "none" else f"{self.metric} ({self.filter})"

    @property
    def words(self) -> str:
        """The number's name for people, with its task's."""
        return f"{self.task} {self.measure}"

    @property
    def meaning(self) -> str:
        """What the number says, in words; "" where it is not known."""
        return explain(*self)


class AbilityScores(NamedTuple):
    """One score file: by number, who was asked what, and (n, 2) sums and counts.

    NaN is what was asked and not measured.
    """

    path: Path
    asked: dict[AbilityKey, list[str]]
    sums: dict[AbilityKey, Values]


def ratio(values: Values) -> Values:
    """Return the ratio of the two sums over questions: (..., n, 2) -> (...)."""
    sums = values.sum(axis=-2)
    with np.errstate(invalid="ignore"):  # no questions: NaN
        return np.asarray(sums[..., 0] / sums[..., 1])


def per_cent(values: Values) -> Values:
    """Return `ratio` in per cent."""
    return 100 * ratio(values)


def ability_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the text of a score file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [*ABOUT, *SUMS], lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, **{name: _text(row[name]) for name in SUMS}} for row in rows)
    return text.getvalue()


def _text(value: float | None) -> str:
    if value is None:
        return ""
    return str(int(value)) if value == int(value) else repr(value)


def read_ability_scores(path: Path) -> AbilityScores:
    """Read one score file.

    Raises:
        UserError: no such file, no rows, or a missing or unusable number.
    """
    rows = read_cells(path)
    for name in (*ABOUT, *SUMS):
        if name not in rows[0]:
            raise UserError(f"{path}: no column {name!r}; is this a file of `asft lm-eval`?")
    found: dict[AbilityKey, list[Cells]] = {}
    for row in rows:
        found.setdefault(AbilityKey.of(row), []).append(row)
    asked = {k: [f"{row['question_id']} {row['doc']}" for row in v] for k, v in found.items()}
    sums = {
        key: np.array([[_number(path, row, name) for name in SUMS] for row in lines])
        for key, lines in found.items()
    }
    return AbilityScores(path, asked, sums)


def _number(path: Path, row: Cells, name: str) -> float:
    if not any(row[each] for each in SUMS):
        return math.nan
    return finite(row[name], f"{path}, {row['task']}, question {row['question_id']}, {name}")


def check_same_questions(files: Sequence[AbilityScores]) -> None:
    """Refuse files that differ in their numbers, or in the questions behind one.

    Raises:
        UserError: names the two files.
    """
    first = files[0]
    for file in files[1:]:
        for key in first.asked.keys() | file.asked.keys():
            if first.asked.get(key) != file.asked.get(key):
                raise UserError(
                    f"{file.path}: {key.words}: other questions, or another order, than in"
                    f" {first.path}; evaluate both with the same tasks and limit"
                )
