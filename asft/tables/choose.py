"""Choose a method's settings among its trials, by their scores on the selection's questions.

Reads  one score file per (trial, training seed)
Writes <results>/search/{dataset}/{method}.json: every trial with its score, the rule, what is
       chosen; `asft settings --chosen` reads it

By hand: asft choose --help
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from asft.config import Statistics, split_point
from asft.errors import UserError
from asft.files import write_json
from asft.metrics import (
    Difference,
    Interval,
    check_comparable,
    in_all,
    interval,
    measured,
    paired_difference,
    pool,
    read_scores,
    read_verdict_scores,
)
from asft.tables.table3 import pooled
from asft.tables.table3_columns import estimate_columns

RULE = (
    "mean over seeds and questions; of the trials whose paired difference from the best is within"
    " its standard error the one with the smallest learning rate, then the one nearest to the"
    " method's own settings"
)


class TrialScores(NamedTuple):
    """The score file of one trial with one training seed."""

    trial: str
    seed: int
    path: Path


class Judgement(NamedTuple):
    """A trial's score, and its distance from the best of all."""

    score: Interval
    behind: Difference  # best minus this


def choose_settings(settings: str, score: list[TrialScores], out: Path) -> None:
    """Write what is chosen, with all that it was chosen from.

    Args:
        settings: this step's part of the config, as JSON
        score: trial,seed=scores.csv
        out: a JSON file

    Raises:
        UserError: a score file is unusable, or trials differ in their questions or seeds.
    """
    about = json.loads(settings)
    trials: dict[str, dict[str, float]] = about["trials"]
    files: dict[str, dict[int, Path]] = {name: {} for name in trials}
    for name, seed, path in score:
        files[name][seed] = path
    statistics = Statistics.model_validate(about["statistics"])
    found = judged(files, about["select"]["metric"], statistics)
    within = [name for name in trials if _is_within(found[name].behind)]
    centre = next(iter(trials))
    rates = about["learning_rates"]
    chosen = min(within, key=lambda name: (rates[name], _distance(trials[name], trials[centre])))
    rows: list[dict[str, Any]] = [
        {
            "trial": name,
            "settings": point,
            "score": found[name].score.value,
            "low": found[name].score.low,
            "high": found[name].score.high,
            "behind": found[name].behind.value,
            "within": name in within,
            "chosen": name == chosen,
            "own": name == centre,
        }
        for name, point in trials.items()
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
        "expected_best": expected_best([row["score"] for row in rows]),
        "trials": rows,
    }
    write_json(out, made)


def judged(
    files: Mapping[str, Mapping[int, Path]], metric: str, statistics: Statistics
) -> dict[str, Judgement]:
    """Score trials, and compare each with the best; more is better in all that selects."""
    if metric in estimate_columns():
        return _by_references(files, metric, statistics)
    contents = {
        name: pool([read_verdict_scores(path) for path in seeds.values()])
        for name, seeds in files.items()
    }
    scores = {name: content.interval(statistics) for name, content in contents.items()}
    best = max(scores, key=lambda name: scores[name].value)
    return {
        name: Judgement(scores[name], contents[best].difference(content, statistics)[0])
        for name, content in contents.items()
    }


def _by_references(
    files: Mapping[str, Mapping[int, Path]], metric: str, statistics: Statistics
) -> dict[str, Judgement]:
    read = {name: {s: read_scores(p) for s, p in seeds.items()} for name, seeds in files.items()}
    everything = [file for seeds in read.values() for file in seeds.values()]
    check_comparable(everything)
    kept = iter(in_all(everything))
    values = {
        name: pooled("", name, {seed: next(kept) for seed in seeds}).values[metric]
        for name, seeds in read.items()
    }
    usable = measured(*values.values())
    if usable.sum() < 2:
        raise UserError(f"search: {metric} is measured on {usable.sum()} questions; it needs 2")
    values = {name: each[:, usable] for name, each in values.items()}
    aggregate = estimate_columns()[metric].metric.over_questions
    scores = {name: interval(each, aggregate, statistics) for name, each in values.items()}
    best = max(scores, key=lambda name: scores[name].value)
    return {
        name: Judgement(scores[name], paired_difference(values[best], each, aggregate, statistics))
        for name, each in values.items()
    }


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


def _is_within(behind: Difference) -> bool:
    return behind.value <= behind.estimate.error


def _distance(point: Mapping[str, float], own: Mapping[str, float]) -> float:
    """How far a point lies from the method's own: over logarithms, where both have one."""
    total = 0.0
    for key, value in point.items():
        if value > 0 and own[key] > 0:
            total += math.log(value / own[key]) ** 2
        else:
            total += (value - own[key]) ** 2
    return total
