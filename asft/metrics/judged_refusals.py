"""Refusals by a judge's classes (asft.judging.refusals), beside those by an answer's first words.

A partial refusal counts as declined, in both halves: what is left is full compliance. An answer of
which no verdict can be read is not measured.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from asft.config import JUDGED, PARTLY, REFUSALS
from asft.errors import UserError
from asft.files import read_jsonl
from asft.metrics.ability_scores import AbilityKey, AbilityScores
from asft.metrics.corpus import Values
from asft.records import Verdict

BESIDE = dict(zip(REFUSALS, PARTLY, strict=True))  # of the same prompts


def add_judged(scores: AbilityScores, path: Path, judge: str) -> AbilityScores:
    """Return a score file's numbers with a judge's, which stand behind their task's.

    Args:
        path: the judge's verdicts on the answers that the score file is of
        judge: its name; the numbers' filter is `JUDGED` and this

    Raises:
        UserError: the verdicts cannot be read, or an answer has none.
    """
    verdicts: dict[str, list[Verdict]] = {}
    for verdict in read_jsonl(path, Verdict):
        verdicts.setdefault(verdict.question_id, []).append(verdict)
    asked, sums = dict(scores.asked), dict(scores.sums)
    for key in _by_words(scores):
        values = _values(key, scores.asked[key], verdicts, path)
        for metric, column in zip((key.metric, BESIDE[key.metric]), values.T, strict=True):
            number = AbilityKey(key.task, metric, f"{JUDGED}{judge}")
            asked[number] = scores.asked[key]
            sums[number] = np.stack([column, np.where(np.isnan(column), np.nan, 1.0)], axis=1)
    tasks = list(dict.fromkeys(key.task for key in asked))
    order = sorted(asked, key=lambda key: tasks.index(key.task))
    return AbilityScores(
        scores.path, {key: asked[key] for key in order}, {key: sums[key] for key in order}
    )


def _by_words(scores: AbilityScores) -> list[AbilityKey]:
    """The numbers that words give; where a task has several filters, of its first."""
    first: dict[tuple[str, str], AbilityKey] = {}
    for key in scores.asked:
        if key.metric in REFUSALS:
            first.setdefault((key.task, key.metric), key)
    return list(first.values())


def _values(
    key: AbilityKey, asked: Sequence[str], verdicts: dict[str, list[Verdict]], path: Path
) -> Values:
    """(n, 2): how far each answer counts in the number of words, and is declined in part.

    Means over repeats; NaN where none can be read.
    """
    found = np.full((len(asked), 2), np.nan)
    for row, name in enumerate(asked):
        question = f"{key.task}/{name.rpartition(' ')[0]}"
        if question not in verdicts:
            raise UserError(
                f"{path}: no verdict on question {question}: it is of other answers than"
                " the score file; judge these"
            )
        classes = [verdict.refusal for verdict in verdicts[question] if verdict.refusal]
        if classes:
            complied = classes.count("full_compliance") / len(classes)
            found[row, 0] = complied if key.metric == REFUSALS[0] else 1 - complied
            found[row, 1] = classes.count("partial_refusal") / len(classes)
    return found


def agreement_tables(words: Values, judged: Values) -> Values:
    """Return each answer's share of the table of words by judge, (seeds, n, 6), for `cohens_kappa`.

    Both are sums and counts, (seeds, n, 2). The columns are 2 x 3: by words not, by words, each by
    the judge not, neither, by the judge. Answers without a readable verdict are 0 in all.
    """
    there = np.isfinite(judged[..., 0])
    first, second = words[..., 0], np.where(there, judged[..., 0], 0.0)
    none = np.zeros_like(first)
    cells = [
        *((1 - first) * (1 - second), none, (1 - first) * second),
        *(first * (1 - second), none, first * second),
    ]
    return np.stack(cells, axis=-1) * there[..., None]


def share_agreed(values: Values) -> Values:
    """Return the share of answers of which both say the same, (..., n, 6) -> (...)."""
    sums = values.sum(axis=-2)
    with np.errstate(invalid="ignore"):  # none: NaN
        return np.asarray((sums[..., 0] + sums[..., 5]) / sums.sum(axis=-1))
