"""Arena-Hard v0.1: win rates from the verdicts of games against a baseline.

Game 1 shows the baseline as assistant A, game 2 the policy. Aggregation as in arena-hard-auto at
e883410 (show_result.py): a game without a verdict is dropped alone, "significantly better" counts
three times. Its Bradley-Terry fit has a closed form, since every battle is against the baseline
(tests/oracle/test_bradley_terry.py):

    win rate = 100 · Σ w·y / Σ w,   w = 3 for A>>B and B>>A, else 1;   y = 1, ½, 0 for the policy

The 3 is the default of upstream's weight, and of `Games.decisive_weight`.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from asft.config import Statistics
from asft.metrics.corpus import Values
from asft.metrics.statistics import Difference, Interval, answered, interval, paired_difference
from asft.records import Question, Verdict

DECISIVE_WEIGHT: Final = 3.0  # upstream's
SPAN = (0.0, 100.0)  # of a win rate
# Label -> weight w, points of assistant A. The empty label is a game without a verdict.
OUTCOMES = {
    "A>>B": (DECISIVE_WEIGHT, 1.0),
    "A>B": (1.0, 1.0),
    "A=B": (1.0, 0.5),
    "B>A": (1.0, 0.0),
    "B>>A": (DECISIVE_WEIGHT, 0.0),
    "": (0.0, 0.0),
}


class Games(NamedTuple):
    """The games of one policy; a row is a question in one repeat of one training seed.

    The rows of the seeds follow one another, for each seed the same questions and repeats.
    `labels` are those of game 1 and game 2, empty without a verdict. `style` is (rows, features) of
    asft.metrics.style_control.style_difference, or None when the answers are not known, and
    `densities` the same of asft.metrics.arena_hard_v2.density_difference.
    """

    question_ids: list[str]
    labels: list[tuple[str, str]]
    style: Values | None = None
    seeds: int = 1
    decisive_weight: float = DECISIVE_WEIGHT
    densities: Values | None = None

    @property
    def n_asked(self) -> int:
        return 2 * len(self.labels)

    @property
    def turns(self) -> Values:
        """(questions,): a game is about one turn."""
        return np.ones(len(set(self.question_ids)))

    @property
    def n_scored(self) -> int:
        return sum(label != "" for row in self.labels for label in row)


def from_verdicts(verdicts: Iterable[Verdict], questions: Sequence[Question]) -> Games:
    """Return the games of verdicts: a row per question and repeat, in the questions' order."""
    labels: dict[tuple[str, int, int], str] = {}
    repeats = 1
    for verdict in verdicts:
        repeats = max(repeats, verdict.repeat + 1)
        if verdict.status == "ok" and verdict.label is not None:
            labels[verdict.question_id, verdict.repeat, verdict.game] = verdict.label
    ids = [question.question_id for question in questions]
    rows = [(question_id, repeat) for question_id in ids for repeat in range(repeats)]
    return Games(
        [question_id for question_id, _ in rows],
        [(labels.get((*row, 1), ""), labels.get((*row, 2), "")) for row in rows],
    )


def pool(seeds: Sequence[Games]) -> Games:
    """Join the games of several training seeds of one method."""
    return Games(
        [question_id for each in seeds for question_id in each.question_ids],
        [row for each in seeds for row in each.labels],
        _joined([each.style for each in seeds]),
        sum(each.seeds for each in seeds),
        seeds[0].decisive_weight,
        _joined([each.densities for each in seeds]),
    )


def _joined(parts: Sequence[Values | None]) -> Values | None:
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if len(known) == len(parts) else None


def outcomes(games: Games) -> Values:
    """Return weight and points of the policy in every game, (rows, 2 games, 2).

    A game without a verdict has weight 0.
    """
    found = np.array([[OUTCOMES[label] for label in row] for row in games.labels])
    found[..., 0][found[..., 0] == DECISIVE_WEIGHT] = games.decisive_weight
    found[:, 0, 1] = 1 - found[:, 0, 1]  # in game 1 the policy is assistant B
    return found


def outcomes_per_question(games: Games) -> Values:
    """Return Σ w·y and Σ w of every question in each seed: (seeds, questions, 2).

    Questions come in order of first appearance.
    """
    numbers: dict[str, int] = {}
    question = np.array([numbers.setdefault(key, len(numbers)) for key in games.question_ids])
    seed = np.arange(len(question)) * games.seeds // len(question)
    weight, points = np.moveaxis(outcomes(games), -1, 0)
    sums = np.zeros((games.seeds, len(numbers), 2))
    np.add.at(sums[..., 0], (seed, question), (weight * points).sum(axis=1))
    np.add.at(sums[..., 1], (seed, question), weight.sum(axis=1))
    return sums


def win_rate(sums: Values) -> Values:
    """Return the win rate, 0-100, by the closed form; NaN without a valid game.

    Shapes: (..., n, 2) of `outcomes_per_question` -> (...).
    """
    total = sums.sum(axis=-2)
    with np.errstate(invalid="ignore"):
        return np.asarray(100 * total[..., 0] / total[..., 1])


def win_rate_interval(games: Games, statistics: Statistics) -> Interval:
    """Return the win rate, 0-100, with its interval; a question's two games stay together.

    How the interval is made: asft.metrics.estimates.
    """
    sums = outcomes_per_question(games)
    return interval(sums[:, answered(sums)], win_rate, statistics, SPAN)


def win_rate_difference(
    first: Games, second: Games, statistics: Statistics
) -> tuple[Difference, int]:
    """Return the difference of two win rates, first minus second, and the number of questions.

    Only questions that both have valid games of count.

    Raises:
        ValueError: the two do not hold the same questions.
    """
    if list(dict.fromkeys(first.question_ids)) != list(dict.fromkeys(second.question_ids)):
        raise ValueError("not the same questions")
    a, b = outcomes_per_question(first), outcomes_per_question(second)
    both = answered(a) & answered(b)
    found = paired_difference(a[:, both], b[:, both], win_rate, statistics, SPAN)
    return found, int(both.sum())


def official_intervals(
    policies: Sequence[Games], rounds: int = 100, seed: int = 42
) -> list[tuple[float, float]]:
    """Return the interval that arena-hard-auto v0.1 prints for each policy, as (low, high), 0-100.

    Battles (weight-3 games are three rows) of all policies are resampled as if independent, as
    `pandas.DataFrame.sample` does after `numpy.random.seed(42)`; percentiles 2.5 and 97.5 are
    those of the Elo ratings, mapped back to win rates. It is too narrow: the copies and the two
    games of one question are not independent. A round that a policy wins or loses altogether has
    no finite Elo; its percentiles are then of the win rates.

    Raises:
        ValueError: a policy has no valid game.
    """
    rows = [_battles(games) for games in policies]
    if not all(map(len, rows)):
        raise ValueError("a policy without a valid game has no interval")
    points = np.concatenate(rows)
    owner = np.repeat(np.arange(len(rows)), [len(each) for each in rows])
    random = np.random.RandomState(seed)
    rates = np.empty((rounds, len(rows)))
    for number in range(rounds):
        sample = random.choice(len(points), size=len(points), replace=True)
        counts = np.bincount(owner[sample], minlength=len(rows))
        with np.errstate(invalid="ignore"):
            rates[number] = np.bincount(owner[sample], points[sample], len(rows)) / counts
    return [_percentiles(column[np.isfinite(column)]) for column in rates.T]


def swap_consistency(games: Games) -> float | None:
    """Return the share of rows whose two games agree, on a winner or a tie; None without any.

    Only rows with two valid games count.
    """
    found = outcomes(games)
    points = found[(found[..., 0] > 0).all(axis=1), :, 1]
    return float((points[:, 0] == points[:, 1]).mean()) if len(points) else None


def first_position_rate(games: Games) -> float | None:
    """Return the share of decided games that assistant A won; 0.5: no position bias.

    Exactly so only if policies and baseline are shown first equally often, hence the two games.
    """
    labels = [label for row in games.labels for label in row if label not in ("", "A=B")]
    return sum(label.startswith("A") for label in labels) / len(labels) if labels else None


def rules(games: Games) -> str:
    """Say how games were counted where that is not as upstream counts them; else ""."""
    if games.decisive_weight == DECISIVE_WEIGHT:
        return ""
    return f"a decisive game has weight {games.decisive_weight:g} (upstream's is 3)"


def flags(games: Games) -> Iterator[tuple[str, str]]:
    """Yield (question_id, flag): "n" a game has no verdict, "d" the two orders disagree."""
    for question_id, (first, second) in zip(games.question_ids, games.labels, strict=True):
        if not first or not second:
            yield question_id, "n"
        elif 1 - OUTCOMES[first][1] != OUTCOMES[second][1]:
            yield question_id, "d"


def _battles(games: Games) -> Values:
    """Points of the policy in every battle, a game's copies one after the other."""
    weight, points = np.moveaxis(outcomes(games), -1, 0)
    return np.repeat(points.ravel(), weight.ravel().astype(int))


def _percentiles(rates: Values) -> tuple[float, float]:
    with np.errstate(divide="ignore"):
        elo = 400 * np.log10(rates / (1 - rates)) + 1000
    if not np.isfinite(elo).all():
        low, high = np.percentile(100 * rates, [2.5, 97.5])
    else:
        low, high = 100 / (1 + 10 ** ((1000 - np.percentile(elo, [2.5, 97.5])) / 400))
    return float(low), float(high)
