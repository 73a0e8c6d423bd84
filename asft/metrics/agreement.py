"""How good a judge is: its verdicts on pairs of answers against published ones.

A judge's preference for the second answer, 0 to 1, is the mean over both orders; a label counts by
its side, decisive or not. At 0.5 it prefers neither, which agrees by half: chance is 0.5 for any
judge, as long as published verdicts are balanced. Pairs of one question are not independent:
intervals are over questions.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asft.config import PROTOCOLS, Statistics
from asft.metrics.ability_scores import ratio
from asft.metrics.classification import area_under_curve, cohens_kappa, placements
from asft.metrics.corpus import Aggregate, Values
from asft.metrics.protocols import SCORING
from asft.metrics.statistics import Interval, interval
from asft.records import FOR_SECOND, Verdict

CHANCE = 0.5
ROUNDING = 1e-9  # two preferences nearer to each other are equal


class ComparedPair(NamedTuple):
    """A pair of answers: the published preference for the second, and a judge's verdicts.

    `verdicts` are of game 1, which shows the first answer first, and of game 2; of a judge that
    rates answers, on the first and on the second. Lengths are in characters.
    """

    pair_id: str
    question_id: str
    models: tuple[str, str]
    published: float
    lengths: tuple[int, int]
    verdicts: tuple[list[Verdict], list[Verdict]]


class PairChoices(NamedTuple):
    """A judge's preferences for the second answer of pairs, (pairs, 2 games), 0 to 1.

    `preferences` are those of its verdicts, `expected` those of its probabilities, where it gives
    them. NaN: no verdict counts. Ratings are no games: both columns hold what they say together.
    """

    preferences: Values
    expected: Values
    games: bool

    @property
    def complete(self) -> NDArray[np.bool_]:
        """(pairs,): whether both games, or both answers, have a verdict."""
        return np.asarray(np.isfinite(self.preferences).all(axis=1))

    @property
    def sides(self) -> Values:
        """(pairs,): the answer that both orders together prefer, 1 the second, -1 the first."""
        return side(self.preferences.mean(axis=1))


def side(preferences: ArrayLike) -> Values:
    """Return which answer is preferred: 1 the second, -1 the first, 0 neither, NaN not known."""
    apart = np.asarray(preferences, dtype=float) - 0.5
    return np.where(np.abs(apart) < ROUNDING, 0.0, np.sign(apart))


def agreed(sides: Values, truth: Values) -> Values:
    """Return how far verdicts agree with others that prefer one answer: 1, ½ of neither, or 0."""
    return np.asarray((1 + sides * truth) / 2)


def choices_on(pairs: Sequence[ComparedPair], protocol: str) -> PairChoices:
    """Return a judge's preferences by its verdicts under a protocol."""
    if not PROTOCOLS[protocol].pairwise:
        low, high = SCORING[protocol].span
        ratings = _means(pairs, lambda verdict: verdict.rating)
        both = 0.5 + (ratings[:, 1] - ratings[:, 0]) / (2 * (high - low))
        both = np.clip(np.stack([both, both], axis=1), 0, 1)
        return PairChoices(both, both, games=False)
    shown_second = _means(pairs, lambda verdict: verdict.for_second), _means(pairs, _expected)
    for values in shown_second:
        values[:, 1] = 1 - values[:, 1]  # in game 2 the first answer is shown second
    return PairChoices(*shown_second, games=True)


def measure_agreement(
    pairs: Sequence[ComparedPair], choices: PairChoices, statistics: Statistics
) -> dict[str, Interval]:
    """Return a judge's measures on the pairs that it judged, with their intervals.

    agreement: share of pairs on which it prefers what the published verdict does; kappa: Cohen's,
    where preferring neither is an answer of its own; auc: probability that it gives the second
    answer more where the published verdict prefers it than where it does not, by `expected`
    (interval: DeLong 1988); swap_consistency: share of pairs with the same verdict in both orders;
    first_position_rate: share of decided games that the answer shown first won; longer_answer,
    always_first: the agreement of who prefers the longer answer, and the first of the pair.
    """
    kept = choices.complete
    judged = [pair for pair, there in zip(pairs, kept, strict=True) if there]
    of_judged = choices._replace(
        preferences=choices.preferences[kept], expected=choices.expected[kept]
    )
    ids = np.array([pair.question_id for pair in judged])
    numbers = np.unique(ids, return_inverse=True)[1]
    found = {}
    for name, (columns, aggregate) in _columns(judged, of_judged).items():
        sums = np.zeros((1, numbers.max() + 1, len(columns)))
        np.add.at(sums[0], numbers, np.stack(columns, axis=1).astype(float))
        low = -1.0 if name == "kappa" else 0.0
        found[name] = interval(sums, aggregate, statistics, (low, 1.0))
    return found


def compared_with_chance(found: Interval) -> str:
    """Say in words how a judge's agreement compares with chance."""
    if found.low > CHANCE:
        return "above chance"
    return "below chance" if found.high < CHANCE else "not told apart from chance"


def _columns(
    judged: Sequence[ComparedPair], choices: PairChoices
) -> dict[str, tuple[list[Values], Aggregate]]:
    """Of each measure what is summed over questions, by pair, and what is made of the sums."""
    truth = side([pair.published for pair in judged])
    longer = np.sign(np.array([float(p.lengths[1] - p.lengths[0]) for p in judged]))
    ones = np.ones(len(judged))
    placed, area = placements(choices.expected.mean(axis=1), truth > 0)
    table = [(truth == a) & (choices.sides == b) for a in (-1, 1) for b in (-1, 0, 1)]
    found: dict[str, tuple[list[Values], Aggregate]] = {
        "agreement": ([agreed(choices.sides, truth), ones], ratio),
        "kappa": ([cell.astype(float) for cell in table], cohens_kappa),
        "auc": (placed, partial(area_under_curve, area)),
    }
    if choices.games:
        games = side(choices.preferences)
        first_won = (games[:, 0] < 0).astype(float) + (games[:, 1] > 0)
        decided = (games != 0).sum(axis=1).astype(float)
        same = (games[:, 0] == games[:, 1]).astype(float)
        found["swap_consistency"] = ([same, ones], ratio)
        found["first_position_rate"] = ([first_won, decided], ratio)
    return found | {
        "longer_answer": ([agreed(longer, truth), ones], ratio),
        "always_first": ([agreed(-ones, truth), ones], ratio),
    }


def _means(pairs: Sequence[ComparedPair], of: Callable[[Verdict], float | None]) -> Values:
    """(pairs, 2): the mean over repeats; NaN where no verdict counts."""
    found = np.full((len(pairs), 2), np.nan)
    for row, pair in enumerate(pairs):
        for place, verdicts in enumerate(pair.verdicts):
            known = [value for verdict in verdicts if (value := of(verdict)) is not None]
            if known:
                found[row, place] = sum(known) / len(known)
    return found


def _expected(verdict: Verdict) -> float | None:
    """The preference for the answer shown second by the probabilities of all labels."""
    shares = {label: verdict.probabilities.get(f"[[{label}]]", -1.0) for label in FOR_SECOND}
    if verdict.status != "ok" or min(shares.values()) < 0:
        return verdict.for_second
    return sum(share * FOR_SECOND[label] for label, share in shares.items())
