"""Questions of a benchmark of ranked completions, by subset and all together, with their scores."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from asft.data import Comparison
from asft.errors import UserError
from asft.metrics.corpus import Values
from asft.metrics.rankings import share_of_first, ties_score

TIES = "ties"  # RewardBench 2's subset that is scored by prompts, not by rows
Scores = Mapping[str, Values]  # of completions, by the id of their comparison


class Question(NamedTuple):
    """A question of a task: one comparison, or the two of a prompt of Ties.

    `values` are its scores by metric, None where it was not measured. A task that holds several
    subsets is the mean of their scores: each of `of` questions of a subset counts 1/of.
    """

    task: str
    part: str  # the subset, in a task that holds several
    name: str
    comparisons: list[Comparison]
    values: dict[str, float | None]
    of: int = 1

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield its lines of the score file: a share of two sums by metric."""
        doc = "-".join(comparison.id for comparison in self.comparisons)
        about = {"question_id": "/".join(filter(None, (self.part, self.name))), "doc": doc}
        for metric, value in self.values.items():
            total, count = (None, None) if value is None else (value / self.of, 1 / self.of)
            yield {
                "task": self.task,
                "metric": metric,
                "filter": "none",
                **about,
                "sum": total,
                "count": count,
            }


def questions_of(
    name: str, asked: list[Comparison], scores: Mapping[str, Scores]
) -> list[Question]:
    """Return the questions of a benchmark, subset by subset, and again in one task of all.

    Args:
        name: of the task of all; a subset's name stands behind it
        scores: of completions by metric

    Raises:
        UserError: no question is left: of the prompts of Ties each has one row.
    """
    subsets: dict[str, list[Comparison]] = {}
    for comparison in asked:
        plain = re.sub(r"\W+", "_", comparison.subset.strip()).lower()
        subsets.setdefault(plain, []).append(comparison)
    parts = {
        subset: [
            Question(f"{name}_{subset}" if subset else name, "", key, rows, _values(rows, scores))
            for key, rows in (_prompts(found) if subset == TIES else _rows(found))
        ]
        for subset, found in subsets.items()
    }
    parts = {subset: questions for subset, questions in parts.items() if questions}
    if not parts:
        raise UserError(f"{name}: of no prompt of Ties both rows, its reference and its tied one")
    found = [question for questions in parts.values() for question in questions]
    if len(parts) == 1:
        return found
    return found + [
        question._replace(task=name, part=subset, of=len(questions))
        for subset, questions in parts.items()
        for question in questions
    ]


def _rows(found: list[Comparison]) -> Iterator[tuple[str, list[Comparison]]]:
    for comparison in found:
        yield comparison.question_id, [comparison]


def _prompts(found: list[Comparison]) -> Iterator[tuple[str, list[Comparison]]]:
    """The two rows of each prompt of Ties; one alone, after a `limit`, says nothing."""
    prompts: dict[str, dict[str, Comparison]] = {}
    for comparison in found:
        kind, _, prompt = comparison.question_id.partition(":")
        prompts.setdefault(prompt, {})[kind] = comparison
    for prompt, rows in prompts.items():
        if len(rows) == 2:
            yield prompt, [rows["ref"], rows["tied"]]


def _values(rows: list[Comparison], scores: Mapping[str, Scores]) -> dict[str, float | None]:
    return {metric: _value(rows, found) for metric, found in scores.items()}


def _value(rows: list[Comparison], scores: Scores) -> float | None:
    found = [(scores[row.id], len(row.chosen)) for row in rows if row.id in scores]
    if len(found) < len(rows):
        return None
    return ties_score(*found) if len(found) == 2 else share_of_first(*found[0])
