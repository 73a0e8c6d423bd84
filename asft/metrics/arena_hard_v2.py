"""Arena-Hard v2.0: what differs from v0.1, as arena-hard-auto at 196f6b8 counts (show_result.py).

Each category is a leaderboard of its own, with its own baseline; there is no overall score. A
question counts only if both its games have a verdict. A decisive game counts three times, as in
v0.1, so the win rate is that of `arena_hard`. Upstream resamples battles (a decisive game is three)
100 times, without a seed, and prints the 5th and 95th percentiles.

The official score is style-controlled: one logistic regression without penalty over the battles of
all policies (utils/math_utils.py), a coefficient per policy and one per feature. Features are
compared with the baseline's and z-scored over all battles:

    length   (a - b) / (a + b)
    others   (d_a - d_b) / (d_a + d_b + 1),   d = headers, lists or bolds / (length + 1)

A policy's score is σ(its coefficient), at the mean difference of all battles: the median of the
rounds. Upstream stops its optimiser after 50 short steps, we at the optimum, and it draws without a
seed: scores differ by some tenths of a point.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from asft.metrics import arena_hard
from asft.metrics.arena_hard import Games, outcomes
from asft.metrics.corpus import Values
from asft.metrics.style_control import penalised_logistic, refusal

PERCENTILES = (50, 5, 95)
PENALTY = 1e-9  # on the mean loss: keeps a resample that one side wins altogether finite


def density_difference(policy: Values, baseline: Values) -> Values:
    """Return how two answers' styles differ, (n, 4); both are counts in the order of FEATURES."""
    longer, total = policy[:, :1] - baseline[:, :1], policy[:, :1] + baseline[:, :1]
    length = np.divide(longer, total, out=np.zeros_like(longer, dtype=float), where=total > 0)
    a, b = (counts[:, 1:] / (counts[:, :1] + 1) for counts in (policy, baseline))
    return np.hstack([length, (a - b) / (a + b + 1)])


def percentile_intervals(
    policies: Sequence[Games], rounds: int = 100, seed: int = 42
) -> list[tuple[float, float]]:
    """Return the interval that upstream prints for each win rate, as (low, high), 0-100.

    It takes battles for independent and is too narrow, as v0.1's.

    Raises:
        ValueError: a policy has no valid game.
    """
    random = np.random.default_rng(seed)
    found = []
    for games in policies:
        points, _ = _battles(games)
        if not len(points):
            raise ValueError("a policy without a valid game has no interval")
        rates = random.choice(points, (rounds, len(points))).mean(axis=1)
        low, high = np.percentile(100 * rates, PERCENTILES[1:])
        found.append((float(low), float(high)))
    return found


def style_controlled_scores(
    policies: dict[str, Games], rounds: int = 100, seed: int = 42
) -> dict[str, tuple[float, float, float] | str]:
    """Return upstream's official score of each policy, as (score, low, high), 0-100.

    Or why there is none: the answers are unknown, fewer than 20 valid games, all of them won or
    lost.
    """
    refused: dict[str, tuple[float, float, float] | str]
    refused = {name: why for name, games in policies.items() if (why := refusal(games))}
    usable = [games for name, games in policies.items() if name not in refused]
    scores = iter(_bootstrap(usable, rounds, seed) if usable else [])
    return {name: refused.get(name) or next(scores) for name in policies}


def rules(games: Games) -> str:
    """Say how games were counted."""
    both = "a question counts if both games have a verdict"
    return "; ".join(filter(None, [both, arena_hard.rules(games)]))


def _battles(games: Games) -> tuple[Values, Values]:
    """Points of the policy in every battle, (b,), and the row that each is of, (b,)."""
    weight, points = np.moveaxis(outcomes(games), -1, 0)
    copies = weight.ravel().astype(int)
    rows = np.repeat(np.arange(len(games.labels)), 2)
    return np.repeat(points.ravel(), copies), np.repeat(rows, copies)


def _bootstrap(policies: list[Games], rounds: int, seed: int) -> list[tuple[float, float, float]]:
    battles = [_battles(games) for games in policies]
    target = np.concatenate([points for points, _ in battles])
    owner = np.repeat(np.arange(len(policies)), [len(points) for points, _ in battles])
    known = [games.densities for games in policies if games.densities is not None]
    features = np.concatenate([d[rows] for d, (_, rows) in zip(known, battles, strict=True)])
    spread = features.std(axis=0, ddof=1)
    varies = spread > 1e-12
    z = (features - features.mean(axis=0))[:, varies] / spread[varies]
    design = np.hstack([owner[:, None] == np.arange(len(policies)), z])
    random = np.random.default_rng(seed)
    rates = np.empty((rounds, len(policies)))
    for number in range(rounds):
        drawn = random.integers(len(target), size=len(target))
        weight = np.bincount(drawn, minlength=len(target)) / len(target)
        strength = penalised_logistic(design, target, weight, PENALTY)[: len(policies)]
        rates[number] = 100 * expit(strength)
    return [
        (float(x), float(low), float(high))
        for x, low, high in np.percentile(rates, PERCENTILES, axis=0).T
    ]
