"""Scores of two experiments, cell by cell: what moved, and whether more than noise."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from asft.config import UNTRAINED, Statistics
from asft.errors import UserError
from asft.files import read_json
from asft.metrics import (
    Values,
    check_comparable,
    check_same_questions,
    in_all,
    interval,
    measured,
    paired_difference,
    pool,
    read_ability_scores,
    read_scores,
    read_verdict_scores,
)
from asft.tables.panels import Panel
from asft.tables.table3 import pooled
from asft.tables.table3_columns import estimate_columns
from asft.tables.table3_rows import columns_of, intervals_of
from asft.tables.table4_columns import Ability, Own, abilities_of
from asft.tables.text import Row

REFERENCES = "references"  # the name of a score file that no judge gave
ABILITIES = ("lm_eval", "implicit_reward")  # of those of Table 4
SCORES = re.compile(
    r"(?:(?P<dataset>[^/]+)/(?P<trained>[^/]+)/seed(?P<seed>\d+)|(?P<other>[^/]+))"
    r"/scores/(?P<benchmark>[^/]+)/(?P<judge>[^/]+)\.csv"
)


class Scored(NamedTuple):
    """What a cell of a table is about; `judge` is "" where answers are held to references."""

    dataset: str
    method: str
    benchmark: str
    judge: str


def score_files(results: Path) -> dict[Scored, dict[int, Path]]:
    """Find the score files below a results folder, by what they are about and by seed."""
    found: dict[Scored, dict[int, Path]] = {}
    runs = results / "runs"
    for path in sorted(runs.rglob("*.csv")):
        parts = SCORES.fullmatch(path.relative_to(runs).as_posix())
        if parts:
            judge = "" if parts["judge"] == REFERENCES else parts["judge"]
            method = parts["trained"] or parts["other"]
            about = Scored(parts["dataset"] or UNTRAINED, method, parts["benchmark"], judge)
            found.setdefault(about, {})[int(parts["seed"] or 0)] = path
    return found


def moves(
    before: dict[int, Path], after: dict[int, Path], about: Scored, statistics: Statistics
) -> Iterator[Row]:
    """Compare the scores of one method in two experiments, over the same questions.

    Yields a row for each metric: both values, their difference (after minus before) with its
    interval, p and verdict, the number of questions, and the decimals to show.

    Raises:
        UserError: they are of other questions, or counted in other ways.
    """
    compare = {"": _referred, **dict.fromkeys(ABILITIES, _evaluated)}.get(about.judge, _judged)
    for row in compare(before, after, statistics):
        yield about._asdict() | row


def _referred(
    before: dict[int, Path], after: dict[int, Path], statistics: Statistics
) -> Iterator[Row]:
    files = [read_scores(path) for path in (*before.values(), *after.values())]
    check_comparable(files)
    files = in_all(files)
    first = dict(zip(before, files, strict=False))
    second = dict(zip(after, files[len(before) :], strict=True))
    entries = [pooled("", "before", first), pooled("", "after", second)]
    sides = columns_of(entries)
    values = [intervals_of(each, statistics) for each in sides]
    for key, column in estimate_columns().items():
        if column.better and key in sides[0]:
            one, other = (side[key] for side in reversed(sides))
            found = paired_difference(one, other, column.metric.over_questions, statistics)
            yield {
                "before": values[0][key].value,
                "after": values[1][key].value,
                **column.difference(found),
                "n": one.shape[1],
                "digits": column.digits,
            }


def paired_abilities(
    before: dict[int, Path], after: dict[int, Path]
) -> Iterator[tuple[Ability, Values, Values]]:
    """Yield each number of Table 4 with its sums on both sides, (S, n, k), over the same questions.

    Raises:
        UserError: they are of other questions.
    """
    sides = [[read_ability_scores(path) for path in files.values()] for files in (before, after)]
    check_same_questions([file for side in sides for file in side])
    own = Own(read_json(next(iter(after.values())).with_suffix(".results.json")), False)
    for ability in abilities_of({"": sides[0][0]}, {"": own}).values():
        first, second = (np.stack([f.sums[ability.number] for f in side]) for side in sides)
        kept = measured(first, second)
        if kept.any():
            yield ability, first[:, kept], second[:, kept]


def _evaluated(
    before: dict[int, Path], after: dict[int, Path], statistics: Statistics
) -> Iterator[Row]:
    for ability, first, second in paired_abilities(before, after):
        how = (ability.metric.over_questions, statistics, ability.span)
        found = paired_difference(second, first, *how)
        yield {
            "before": interval(first, *how).value,
            "after": interval(second, *how).value,
            **ability.difference(found),
            "metric": ability.number.words,
            "n": first.shape[1],
            "digits": ability.digits,
        }


def _judged(
    before: dict[int, Path], after: dict[int, Path], statistics: Statistics
) -> Iterator[Row]:
    first, second = (
        pool([read_verdict_scores(path) for path in files.values()]) for files in (before, after)
    )
    if first.question_ids != second.question_ids:
        raise UserError(f"{second.path}: other questions, or another order, than {first.path}")
    if (first.protocol, first.rules) != (second.protocol, second.rules):
        raise UserError(f"{second.path}: counted by other rules than {first.path}")
    models = [", ".join(sorted(each.judge_models)) for each in (first, second)]
    if models[0] != models[1]:
        raise UserError(f"{second.path}: judged by {models[1]}, {first.path} by {models[0]}")
    headline = Panel("", "", first.protocol).block.headline
    found, n = second.difference(first, statistics)
    yield {
        "before": first.interval(statistics).value,
        "after": second.interval(statistics).value,
        **headline.difference(found),
        "n": n,
        "digits": headline.digits,
    }
