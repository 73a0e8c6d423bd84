"""Trials of a search: their scores on what no table asks, compared with the best."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from asft.config import PAIR_METRICS, Statistics
from asft.errors import UserError
from asft.metrics import (
    Aggregate,
    Difference,
    Interval,
    Values,
    check_comparable,
    in_all,
    interval,
    mean,
    measured,
    paired_difference,
    pool,
    read_pair_scores,
    read_scores,
    read_verdict_scores,
    stacked,
)
from asft.tables.table3 import pooled
from asft.tables.table3_columns import estimate_columns


class TrialScores(NamedTuple):
    """The score file of one trial with one training seed."""

    trial: str
    seed: int
    path: Path


class Judgement(NamedTuple):
    """A trial's score, and its distance from the best of all."""

    score: Interval
    behind: Difference  # best minus this

    @property
    def is_within(self) -> bool:
        """Whether the best is ahead by its standard error at most."""
        return self.behind.value <= self.behind.estimate.error


def by_trial(score: Sequence[TrialScores]) -> dict[str, dict[int, Path]]:
    """Return the score files by trial and by seed."""
    files: dict[str, dict[int, Path]] = {}
    for name, seed, path in score:
        files.setdefault(name, {})[seed] = path
    return files


def statistics_of(about: Mapping[str, Any]) -> Statistics:
    """Return the part of the config that says how intervals are made."""
    return Statistics.model_validate(about["statistics"])


def scores_of(each: Judgement) -> dict[str, float]:
    """Return a trial's numbers as they are written."""
    score = each.score
    numbers = {"score": score.value, "low": score.low, "high": score.high}
    return numbers | {"behind": each.behind.value}


def smallest_change(about: Mapping[str, Any]) -> Callable[[str], tuple[float, float]]:
    """Return by what trials are ordered, the smallest change of the start first."""
    rates, trials = about["learning_rates"], about["trials"]
    own = next(iter(trials.values()))
    return lambda name: (rates[name], _distance(trials[name], own))


def judged(
    files: Mapping[str, Mapping[int, Path]],
    benchmark: str | None,
    metric: str,
    statistics: Statistics,
) -> dict[str, Judgement]:
    """Score trials, and compare each with the best; more is better in all that selects."""
    if benchmark is None:
        pairs = {
            name: [read_pair_scores(path) for path in seeds.values()]
            for name, seeds in files.items()
        }
        return _compared(stacked(pairs, metric), mean, statistics, PAIR_METRICS[metric])
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
    return _compared(values, estimate_columns()[metric].metric.over_questions, statistics)


def _compared(
    values: Mapping[str, Values],
    aggregate: Aggregate,
    statistics: Statistics,
    span: tuple[float, float] | None = None,
) -> dict[str, Judgement]:
    """Judge trials by what was measured of each, (seeds, questions or pairs, k)."""
    scores = {name: interval(each, aggregate, statistics, span) for name, each in values.items()}
    best = max(scores, key=lambda name: scores[name].value)
    behind = {
        name: paired_difference(values[best], each, aggregate, statistics, span)
        for name, each in values.items()
    }
    return {name: Judgement(scores[name], behind[name]) for name in values}


def _distance(point: Mapping[str, float], own: Mapping[str, float]) -> float:
    """How far a point lies from the method's own: over logarithms, where both have one."""
    total = 0.0
    for key, value in point.items():
        if value > 0 and own[key] > 0:
            total += math.log(value / own[key]) ** 2
        else:
            total += (value - own[key]) ** 2
    return total
