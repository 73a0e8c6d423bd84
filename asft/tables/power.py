"""What an experiment could have found: the power of its paired comparisons.

Reads  the score files below a results folder
Prints for each pair of methods and headline metric the smallest difference that its questions and
       seeds find, and how many questions a difference that is asked for would need
By hand: asft power results --difference 2
"""

import math
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from typer import Argument

from asft.config import UNTRAINED, Statistics
from asft.errors import UserError
from asft.metrics import (
    Spread,
    check_comparable,
    detectable,
    in_all,
    measured,
    needed_questions,
    pool,
    read_scores,
    read_verdict_scores,
    spread_of,
)
from asft.tables.compare import ABILITIES, Scored, paired_abilities, score_files
from asft.tables.panels import Panel, is_control
from asft.tables.table3 import pooled
from asft.tables.table3_columns import estimate_columns
from asft.tables.text import grid


class Comparison(NamedTuple):
    """A pair of methods in one metric: how much their difference varies, over how much."""

    dataset: str
    benchmark: str
    metric: str
    first: str
    second: str
    spread: Spread
    questions: int
    seeds: int


def print_power(
    results: Annotated[Path, Argument(help="the config's `results`")] = Path("results"),
    difference: float = 2.0,
    power: float = 0.8,
    seeds: int | None = None,
    confidence: float = Statistics().confidence,
) -> None:
    """Print which differences the comparisons of an experiment could have found.

    Args:
        difference: that is to be found, in the metric's own points
        power: the probability with which it is to be found
        seeds: training seeds of a method; by default as many as there are
        confidence: of the tables' intervals

    Raises:
        UserError: the folder holds no scores of two methods.
    """
    found = list(comparisons(results))
    if not found:
        raise UserError(f"{results}: no scores of two methods on the same questions in its runs")
    rows = [_line(each, difference, power, seeds or each.seeds, confidence) for each in found]
    print(grid(rows))
    print(
        f"\nsd: of a question's difference, and between seeds. Found: the smallest true difference"
        f" that is better or worse in {100 * power:g} % of such experiments. Needed: questions for"
        f" a difference of {difference:g}; — where no number of them is enough and more seeds are,"
        " and in both where no question's answers differ."
        " With one seed what another would give is in neither. By the variances that were measured."
    )


def comparisons(results: Path) -> Iterator[Comparison]:
    """Measure how much each paired difference of an experiment varies."""
    groups: dict[tuple[str, str], dict[str, dict[str, dict[int, Path]]]] = {}
    files = score_files(results)
    for about, paths in files.items():
        if not is_control(about.method):
            group = groups.setdefault((about.benchmark, about.judge), {})
            group.setdefault(about.dataset, {})[about.method] = paths
    for (benchmark, judge), by_dataset in groups.items():
        others = by_dataset.pop(UNTRAINED, {})
        for dataset, methods in by_dataset.items():
            pairs = combinations((others | methods).items(), 2)
            for (first, a), (second, b) in pairs:
                about = Scored(dataset, first, benchmark, judge)
                for metric, spread, n in _spreads(about, a, b):
                    seeds = max(len(a), len(b))
                    yield Comparison(dataset, benchmark, metric, first, second, spread, n, seeds)


def _spreads(
    about: Scored, a: dict[int, Path], b: dict[int, Path]
) -> Iterator[tuple[str, Spread, int]]:
    if about.judge in ABILITIES:
        for ability, ours, theirs in paired_abilities(a, b):
            spread = spread_of(ours, theirs, ability.metric.over_questions)
            yield ability.number.words, spread, ours.shape[1]
        return
    if about.judge:
        one, other = (pool([read_verdict_scores(p) for p in side.values()]) for side in (a, b))
        label = Panel("", "", one.protocol).block.headline.label
        yield f"{label}, {about.judge}", *one.spread(other)
        return
    files = [read_scores(path) for path in (*a.values(), *b.values())]
    check_comparable(files)
    files = in_all(files)
    sides = [
        pooled("", "", dict(zip(seeds, part, strict=True)))
        for seeds, part in ((a, files[: len(a)]), (b, files[len(a) :]))
    ]
    for key, column in estimate_columns().items():
        if column.figure:
            first, second = (side.values[key] for side in sides)
            kept = measured(first, second)
            aggregate = column.metric.over_questions
            spread = spread_of(first[:, kept], second[:, kept], aggregate)
            yield key, spread, int(kept.sum())


def _line(
    each: Comparison, difference: float, power: float, seeds: int, confidence: float
) -> dict[str, Any]:
    least, need = math.nan, None
    if each.spread.questions or each.spread.seeds > 0:  # else nothing says how answers vary
        least = detectable(each.spread, each.questions, seeds, confidence, power)
        need = needed_questions(difference, each.spread, seeds, confidence, power)
    between = f" and {each.spread.seeds:.2f}" if each.spread.seeds == each.spread.seeds else ""
    return {
        "data set": each.dataset,
        "benchmark": each.benchmark,
        "metric": each.metric,
        "pair": f"{each.first} − {each.second}",
        "sd": f"{each.spread.questions:.2f}{between}",
        "questions, seeds": f"{each.questions}, {seeds}",
        "found": "—" if math.isnan(least) else f"{least:.2f}",
        f"needed for {difference:g}": f"{need:,}" if need else "—",
    }
