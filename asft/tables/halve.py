"""Halve a method's trials: after a share of their steps the better half goes on.

Reads  one score file per (trial that is trained so far, training seed)
Writes <results>/search/{dataset}/{method}.rung{rung}.json: their scores, and which go on; the
       DAG asks for no more of the others

By hand: asft halve --help
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asft.files import write_json
from asft.tables.trials import (
    TrialScores,
    by_trial,
    judged,
    scores_of,
    smallest_change,
    statistics_of,
)


def halve_trials(settings: str, score: list[TrialScores], out: Path) -> None:
    """Write which trials go on: the better half, of an odd number the larger one.

    Of equal scores the one with the smaller change of the start is the better.

    Args:
        settings: this step's part of the config, as JSON
        score: trial,seed=scores.csv
        out: a JSON file

    Raises:
        UserError: a score file is unusable, or trials differ in their questions or seeds.
    """
    about = json.loads(settings)
    found = judged(by_trial(score), **about["select"], statistics=statistics_of(about))
    change = smallest_change(about)
    ranked = sorted(found, key=lambda name: (-found[name].score.value, *change(name)))
    made = {
        "method": about["method"],
        "share": about["share"],
        "goes_on": ranked[: (len(ranked) + 1) // 2],
        "trials": {name: scores_of(each) for name, each in found.items()},
    }
    write_json(out, made)


def stopped_at(rung: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Return the numbers of the trials that a rung has stopped, with their share of the steps."""
    return {
        name: {**numbers, "share": rung["share"]}
        for name, numbers in rung["trials"].items()
        if name not in rung["goes_on"]
    }
