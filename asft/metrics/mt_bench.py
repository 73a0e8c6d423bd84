"""MT-Bench: means, intervals and differences of a judge's ratings (1-10) of single answers.

FastChat's aggregation (llm_judge/show_result.py, display_result_single): the headline is the mean
over all ratings of both turns. Here a rating that is not `ok` is counted as unscored, never
averaged, and of several repeats the mean per (question, turn) comes first.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asft.config import Statistics
from asft.metrics.corpus import Values
from asft.metrics.statistics import Difference, Interval, answered, interval, paired_difference
from asft.records import Question, Verdict

SPAN = (1.0, 10.0)  # what the judge is asked for


class Ratings(NamedTuple):
    """The ratings of one policy's answers, pooled over its training seeds.

    `values` and `asked` are (questions, turns, seeds); `values` is NaN where no repeat is ok,
    `asked` is false where a question has fewer turns than others.
    """

    question_ids: list[str]
    categories: list[str]
    values: Values
    asked: NDArray[np.bool_]

    @property
    def n_asked(self) -> int:
        return int(self.asked.sum())

    @property
    def turns(self) -> Values:
        """(questions,): each turn is rated."""
        return np.asarray(self.asked.sum(axis=1).mean(axis=-1))

    @property
    def n_scored(self) -> int:
        return int(np.isfinite(self.values).sum())


def from_verdicts(verdicts: Iterable[Verdict], questions: Sequence[Question]) -> Ratings:
    """Return the mean over the ok repeats of every (question, turn); verdicts in any order."""
    found: dict[tuple[str, int], list[float]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.status == "ok" and verdict.rating is not None:
            found[verdict.question_id, verdict.turn].append(verdict.rating)
    shape = len(questions), max((len(question.turns) for question in questions), default=0), 1
    values, asked = np.full(shape, np.nan), np.zeros(shape, dtype=bool)
    for row, question in enumerate(questions):
        asked[row, : len(question.turns)] = True
        for turn in range(len(question.turns)):
            repeats = found.get((question.question_id, turn + 1))
            if repeats:
                values[row, turn] = np.mean(repeats)
    ids, categories = [q.question_id for q in questions], [q.category for q in questions]
    return Ratings(ids, categories, values, asked)


def pool(seeds: Sequence[Ratings]) -> Ratings:
    """Join the ratings of several training seeds of one method; the same questions in each.

    Raises:
        ValueError: the questions differ.
    """
    first = seeds[0]
    if any(other.question_ids != first.question_ids for other in seeds):
        raise ValueError("not the same questions")
    values = np.concatenate([each.values for each in seeds], axis=2)
    return first._replace(
        values=values, asked=np.concatenate([each.asked for each in seeds], axis=2)
    )


def ratings_per_question(ratings: Ratings) -> Values:
    """Return the sum of each question's ratings and their number: (seeds, questions, 2).

    Every mean comes from these.
    """
    values = np.moveaxis(ratings.values, 2, 0)
    scored = np.isfinite(values)
    return np.stack([np.where(scored, values, 0).sum(axis=2), scored.sum(axis=2)], axis=-1)


def mean_rating(sums: Values) -> Values:
    """Return the mean over all ratings, 1-10, pooled: FastChat's "Average".

    Shapes: (..., n, 2) of `ratings_per_question` -> (...).

    NaN if nothing is rated.
    """
    total = sums.sum(axis=-2)
    with np.errstate(invalid="ignore"):
        return np.asarray(total[..., 0] / total[..., 1])


def by_turn(ratings: Ratings) -> list[float]:
    """Return each turn's mean rating over all questions; NaN without any.

    FastChat's "First turn" and "Second turn".
    """
    turns = range(ratings.values.shape[1])
    return [_mean(ratings.values[:, turn]) for turn in turns]


def by_category(ratings: Ratings) -> dict[str, float]:
    """Return each category's mean rating over both turns, in order of appearance."""
    names = np.array(ratings.categories)
    return {name: _mean(ratings.values[names == name]) for name in dict.fromkeys(names.tolist())}


def rating_interval(ratings: Ratings, statistics: Statistics) -> Interval:
    """Return the mean rating with its interval, both turns of a question together.

    How the interval is made: asft.metrics.estimates.

    Questions without any rating have no part in it.
    """
    sums = ratings_per_question(ratings)
    return interval(sums[:, answered(sums)], mean_rating, statistics, SPAN)


def rating_difference(
    first: Ratings, second: Ratings, statistics: Statistics
) -> tuple[Difference, int]:
    """Return the difference of two mean ratings, first minus second, and the number of questions.

    Only questions that both have ratings of count.

    Raises:
        ValueError: the two do not hold the same questions.
    """
    if first.question_ids != second.question_ids:
        raise ValueError("not the same questions")
    a, b = ratings_per_question(first), ratings_per_question(second)
    both = answered(a) & answered(b)
    found = paired_difference(a[:, both], b[:, both], mean_rating, statistics, SPAN)
    return found, int(both.sum())


def flags(ratings: Ratings) -> Iterator[tuple[str, str]]:
    """Yield (question_id, "n") for every question with a turn that has no rating."""
    missing = ratings.asked & ~np.isfinite(ratings.values)
    for row, question_id in enumerate(ratings.question_ids):
        if missing[row].any():
            yield question_id, "n"


def remark(ratings: Ratings) -> str:
    """Say how many ratings lie outside 1 to 10; "" if none."""
    values = ratings.values[np.isfinite(ratings.values)]
    outside = int(((values < 1) | (values > 10)).sum())
    return f"{outside} of {len(values)} ratings outside 1 to 10" if outside else ""


def _mean(values: Values) -> float:
    scored = values[np.isfinite(values)]
    return float(scored.mean()) if len(scored) else float("nan")
