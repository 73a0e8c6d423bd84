"""The case study of Figure 3: one question, every method's answer and the judge's verdict on it.

Picked by a rule, never by hand: the question whose first turn the judge rated most differently,
that is with the largest distance from the lowest to the highest method. Of equal distances the
earlier question wins; a question that some method has no rating of is left out. Answers and
ratings are those of one training seed; several ratings of an answer are averaged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from asft.errors import UserError
from asft.metrics import Values, from_verdicts
from asft.records import Completion, Question, Verdict

RULE = (
    "the question whose first turn was rated most differently, from lowest to highest method"
    " (ties: the first in the file)"
)
COLUMNS = [
    *("question_id", "category", "spread", "question", "method", "seed", "rating", "n_ratings"),
    *("answer", "judge", "judge_model", "judgment", "probabilities"),
]


class Contestant(NamedTuple):
    """One method's answers, and the judge's verdicts on them."""

    seed: int
    completions: Sequence[Completion]
    verdicts: Sequence[Verdict]


def case_study(
    questions: Sequence[Question], contestants: Mapping[str, Contestant], judge: str
) -> pd.DataFrame:
    """Return the chosen case, one row per method; no rows if there is none.

    The columns are `COLUMNS`.

    `judgment` holds the words of the first valid verdict, `probabilities` those of a judge that
    gives them instead.

    Raises:
        UserError: no questions or no contestants; a method has no answer to the chosen question.
    """
    if not questions or not contestants:
        raise UserError("a case study needs questions and methods")
    rated = {
        method: from_verdicts(each.verdicts, questions).values[:, 0, 0]
        for method, each in contestants.items()
    }
    found = pick(np.stack(list(rated.values())))
    if found is None:
        return pd.DataFrame(columns=COLUMNS)
    question, values = questions[found], {method: x[found] for method, x in rated.items()}
    about = {
        "question_id": question.question_id,
        "category": question.category,
        "spread": max(values.values()) - min(values.values()),
        "question": question.turns[0],
        "judge": judge,
    }
    rows = [
        about | {"method": method, "rating": values[method]} | _said(method, each, question)
        for method, each in contestants.items()
    ]
    return pd.DataFrame(rows)[COLUMNS]


def pick(rated: Values) -> int | None:
    """Return the column of (methods, questions) with the largest spread; None if each has a NaN."""
    spread = rated.max(axis=0) - rated.min(axis=0)  # NaN where a method has no rating
    return None if np.isnan(spread).all() else int(np.nanargmax(spread))


def probabilities_in_words(verdict: Verdict) -> str:
    """Return the rating's distribution, "7: 31 %, 8: 22 %, …", likeliest first; "" without one."""
    likeliest = sorted(verdict.probabilities.items(), key=lambda item: -item[1])
    return ", ".join(f"{name.strip('[]')}: {100 * share:.0f} %" for name, share in likeliest)


def _said(method: str, each: Contestant, question: Question) -> dict[str, object]:
    answers = [c for c in each.completions if c.question_id == question.question_id]
    if not answers or not answers[0].turns:
        raise UserError(f"{method}: no answer to question {question.question_id!r}")
    valid = [
        verdict
        for verdict in sorted(each.verdicts, key=lambda verdict: verdict.repeat)
        if (verdict.question_id, verdict.turn) == (question.question_id, 1)
        and verdict.status == "ok"
    ]
    first = valid[0]  # there is one, or the question had not been picked
    return {
        "seed": each.seed,
        "n_ratings": len(valid),
        "answer": answers[0].texts()[0],
        "judge_model": first.model,
        "judgment": "\n".join(first.judgments),
        "probabilities": probabilities_in_words(first),
    }
