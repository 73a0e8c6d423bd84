"""Arena-Hard v2.0's features and scores, hand-worked and against scikit-learn, battle by battle."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from asft.metrics.arena_hard import Games, outcomes_per_question, pool, win_rate
from asft.metrics.arena_hard_v2 import (
    density_difference,
    percentile_intervals,
    rules,
    style_controlled_scores,
)

LABELS = ["A>>B", "A>B", "A=B", "B>A", "B>>A"]
# Policy's points in game 1 and game 2, one a battle: a decisive game is three of them.
FIRST = {"A>>B": [0] * 3, "A>B": [0], "A=B": [0.5], "B>A": [1], "B>>A": [1] * 3}
SECOND = {label: [1 - y for y in points] for label, points in FIRST.items()}


def played(seed: int, n: int, lead: float) -> Games:
    """A judge that likes length and lists; the policy's answers are longer by about `lead`."""
    random = np.random.default_rng(seed)
    counts = random.integers(20, 400, (2, n, 4)) // np.array([1, 20, 20, 20])
    counts[0, :, 0] = counts[0, :, 0] * (1 + lead)
    densities = density_difference(counts[0], counts[1])
    drift = 2 * densities[:, :1] + 4 * densities[:, 2:3] + random.normal(0, 1, (n, 2))
    level = np.clip(np.round(drift) + 2, 0, 4).astype(int)  # of 4: the policy wins by far
    labels = [(LABELS[a], LABELS[4 - b]) for a, b in level]
    style = np.zeros((n, 4))
    return Games([f"q{i}" for i in range(n)], labels, style, densities=densities)


def battles(games: Games) -> tuple[list[float], list[int]]:
    points, rows = [], []
    for row, (first, second) in enumerate(games.labels):
        if first and second:
            found = FIRST[first] + SECOND[second]
            points, rows = points + found, rows + [row] * len(found)
    return points, rows


def test_features_by_hand():
    """Lengths 30 and 10; densities 3/31 and 0/11, 0 and 2/11, 6/31 and 1/11."""
    found = density_difference(np.array([[30, 3, 0, 6]]), np.array([[10, 0, 2, 1]]))
    d = (6 / 31, 1 / 11)
    expected = [20 / 40, (3 / 31) / (3 / 31 + 1), -(2 / 11) / (2 / 11 + 1)]
    assert found[0].tolist() == pytest.approx([*expected, (d[0] - d[1]) / (d[0] + d[1] + 1)])
    assert density_difference(np.zeros((1, 4)), np.zeros((1, 4))).tolist() == [[0] * 4]


def sklearn_scores(policies: list[Games], rounds: int, seed: int) -> np.ndarray:
    """The score of each policy in each round, with scikit-learn's regression without a penalty.

    It knows no ties: a tie is half a battle won and half a battle lost.
    """
    found = [battles(games) for games in policies]
    points = np.concatenate([p for p, _ in found])
    owner = np.repeat(np.arange(len(policies)), [len(p) for p, _ in found])
    features = np.vstack([g.densities[rows] for g, (_, rows) in zip(policies, found, strict=True)])
    z = (features - features.mean(axis=0)) / features.std(axis=0, ddof=1)
    one_hot = np.eye(len(policies))[owner]
    # The baseline's coefficient, upstream's -1 in each row, is 0 here: only differences are fitted.
    design = np.hstack([one_hot, z])
    random = np.random.default_rng(seed)
    scores = []
    for _ in range(rounds):
        drawn = random.integers(len(points), size=len(points))
        x, y = design[drawn], points[drawn]
        model = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-12, max_iter=10_000)
        won = np.repeat([1, 0], len(y))
        model.fit(np.vstack([x, x]), won, sample_weight=np.concatenate([y, 1 - y]))
        scores.append(100 / (1 + np.exp(-model.coef_[0, : len(policies)])))
    return np.array(scores)


def test_the_official_score_is_scikit_learn_s():
    policies = {"long": played(1, 60, 1.5), "short": played(2, 60, -0.3), "same": played(3, 60, 0)}
    found = style_controlled_scores(policies, rounds=12, seed=7)
    expected = np.percentile(sklearn_scores(list(policies.values()), 12, 7), (50, 5, 95), axis=0)
    for row, name in enumerate(policies):
        assert found[name] == pytest.approx(expected[:, row], abs=1e-3)
    plain = {name: float(win_rate(outcomes_per_question(g)[0])) for name, g in policies.items()}
    # Three policies no better than the baseline: what length alone gains is mostly taken back.
    assert plain["long"] - plain["short"] > 10
    assert abs(found["long"][0] - found["short"][0]) < (plain["long"] - plain["short"]) / 2


def test_without_style_in_the_judge_the_score_of_one_policy_is_its_win_rate():
    """All answers are of one style: 32 of 48 battles, resampled."""
    labels = [("B>A", "A>B"), ("A>B", "A>B"), ("B>A", "B>A")] * 8
    same = np.full((24, 4), 0.1)
    games = Games([f"q{i}" for i in range(24)], labels, same, densities=same)
    (found,) = style_controlled_scores({"p": games}, rounds=300).values()
    assert found[0] == pytest.approx(100 * 32 / 48, abs=1.5)
    (low, high) = percentile_intervals([games], rounds=300)[0]
    # ±1.645 standard errors of 48 independent battles, whose points are 0 or 1.
    error = 164.5 * (2 / 3 * 1 / 3 / 48) ** 0.5
    assert (low, high) == pytest.approx((200 / 3 - error, 200 / 3 + error), abs=2.5)


def test_what_has_no_score():
    few = played(0, 5, 0)
    unknown = played(0, 30, 0)._replace(style=None, densities=None)
    lost = played(0, 30, 0)._replace(labels=[("A>B", "B>A")] * 30)
    found = style_controlled_scores({"few": few, "unknown": unknown, "lost": lost})
    assert found == {
        "few": "10 valid games; at least 20 are needed",
        "unknown": "the answers' style is not known",
        "lost": "every valid game is lost",
    }
    with pytest.raises(ValueError, match="without a valid game"):
        percentile_intervals([few._replace(labels=[("", "")] * 5)])


def test_seeds_are_pooled_and_rules_said():
    both = pool([played(1, 4, 0), played(2, 4, 0)])
    assert both.densities.shape == (8, 4)
    assert rules(both) == "a question counts if both games have a verdict"
    assert rules(both._replace(decisive_weight=1)).endswith("has weight 1 (upstream's is 3)")
