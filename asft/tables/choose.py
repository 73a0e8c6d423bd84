"""Choose a method's settings among its trials, by their scores on what no table asks.

Reads  one score file per (trial, training seed)
Writes <results>/search/{dataset}/{method}.json: every trial with its score, the rule, what is
       chosen; `asft settings --chosen` reads it

By hand: asft choose --help
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from asft.config import split_point
from asft.files import read_json, write_json
from asft.tables.halve import stopped_at
from asft.tables.trials import (
    TrialScores,
    by_trial,
    judged,
    scores_of,
    smallest_change,
    statistics_of,
)

RULE = (
    "mean over seeds and questions (or pairs); of the trials whose paired difference from the best"
    " is within its standard error the one with the smallest learning rate, then the one nearest to"
    " the method's own settings"
)


def choose_settings(
    settings: str, score: list[TrialScores], out: Path, rung: list[Path] | None = None
) -> None:
    """Write what is chosen, with all that it was chosen from.

    Args:
        settings: this step's part of the config, as JSON
        score: trial,seed=scores.csv
        out: a JSON file
        rung: what `asft halve` wrote of trials that were stopped, whose scores are those of then

    Raises:
        UserError: a score file is unusable, or trials differ in their questions or seeds.
    """
    about = json.loads(settings)
    trials: dict[str, dict[str, float]] = about["trials"]
    files = by_trial(score)
    found = judged(files, **about["select"], statistics=statistics_of(about))
    within = [name for name in found if found[name].is_within]
    chosen = min(within, key=smallest_change(about))
    scores = {name: {**scores_of(each), "share": 1.0} for name, each in found.items()}
    for path in rung or []:
        scores |= stopped_at(read_json(path))
    rows: list[dict[str, Any]] = [
        {
            "trial": name,
            "settings": point,
            **scores[name],
            "within": name in within,
            "chosen": name == chosen,
            "own": place == 0,
        }
        for place, (name, point) in enumerate(trials.items())
    ]
    made = {
        "method": about["method"],
        "chosen": chosen,
        **split_point(trials[chosen]),
        "parameters": list(trials[chosen]),
        "rule": RULE,
        **about["select"],
        "n": found[chosen].behind.estimate.questions,
        "seeds": sorted(next(iter(files.values()))),
        # Scores of trials that were stopped are of another training than the rest.
        "expected_best": [] if rung else expected_best([row["score"] for row in rows]),
        "trials": rows,
    }
    write_json(out, made)


def expected_best(scores: Sequence[float]) -> list[float]:
    """Return the expected best of 1, 2, … trials drawn from all, with replacement.

    By it methods with other budgets can be compared. Source: Dodge et al. 2019, Show Your Work,
    equation 6.
    """
    ranked, count = sorted(scores), len(scores)
    return [
        sum(
            value * ((rank / count) ** drawn - ((rank - 1) / count) ** drawn)
            for rank, value in enumerate(ranked, 1)
        )
        for drawn in range(1, count + 1)
    ]
