"""The closed form, the official interval and the style control against scikit-learn and pandas.

The re-statements follow arena-hard-auto's show_result.py at e883410 and utils_math.py at 0489bf3,
battle by battle.
"""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from asft.metrics.arena_hard import (
    OUTCOMES,
    Games,
    official_intervals,
    outcomes_per_question,
    win_rate,
)
from asft.metrics.style_control import FEATURES, controlled_win_rates, style_difference

LABELS = [label for label in OUTCOMES if label]
# Winner by (game, label); model_a is the baseline.
WINNERS = {
    (1, "A>>B"): "model_a",
    (1, "A>B"): "model_a",
    (1, "A=B"): "tie",
    (1, "B>A"): "model_b",
    (1, "B>>A"): "model_b",
    (2, "A>>B"): "model_b",
    (2, "A>B"): "model_b",
    (2, "A=B"): "tie",
    (2, "B>A"): "model_a",
    (2, "B>>A"): "model_a",
}


def random_games(seed: int, n: int, missing: float = 0.1) -> Games:
    random = np.random.default_rng(seed)
    odds = random.dirichlet([1.5] * len(LABELS))
    drawn = random.choice(LABELS, size=(n, 2), p=odds)
    drawn[random.random((n, 2)) < missing] = ""
    drawn[0] = ["A>B", "A>B"]  # one loss and one win at least, or the fit has no maximum
    style = style_difference(random.integers(0, 40, (n, 4)), random.integers(0, 20, (n, 4)))
    return Games([f"q{i}" for i in range(n)], [(a, b) for a, b in drawn.tolist()], style)


def battles(policies: dict[str, Games]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for name, games in policies.items():
        for i, labels in enumerate(games.labels):
            for game, label in enumerate(labels, 1):
                if label:
                    row = {"model_b": name, "winner": WINNERS[game, label], "question": i}
                    rows += [row] * (3 if ">>" in label else 1)
    return pd.DataFrame(rows)


def targets(frame: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Upstream's doubled battles: a tie is won by the baseline in the first half only."""
    n = len(frame)
    doubled = pd.concat([frame, frame], ignore_index=True)
    won = (doubled["winner"] == "model_a").to_numpy().astype(float)
    tie = (doubled["winner"] == "tie").to_numpy(copy=True)
    tie[n:] = False
    won[tie] = 1.0
    return doubled, won


def upstream_rates(frame: pd.DataFrame, names: list[str]) -> list[float]:
    """compute_mle_elo and get_win_rate_column: one coefficient per player, no penalty."""
    doubled, won = targets(frame)
    players = ["baseline", *names]
    design = np.zeros((len(doubled), len(players)))
    design[:, 0] = math.log(10)
    columns = doubled["model_b"].map(players.index).to_numpy()
    design[np.arange(len(doubled)), columns] = -math.log(10)
    fit = LogisticRegression(fit_intercept=False, C=np.inf, tol=1e-8).fit(design, won)
    elo = 400 * fit.coef_[0] + 1000
    elo += 1000 - elo[0]
    return [100 / (1 + 10 ** ((1000 - rating) / 400)) for rating in elo[1:]]


@pytest.mark.parametrize("seed", range(12))
def test_closed_form_is_the_bradley_terry_fit(seed: int):
    """The baseline's coefficient fixed at 0, so that the maximum is unique and exact."""
    names = ["x", "y", "z"][: 1 + seed % 3]
    policies = {name: random_games(10 * seed + i, 15 + 4 * i) for i, name in enumerate(names)}
    doubled, won = targets(battles(policies))
    owners = doubled["model_b"].to_numpy()
    design = -math.log(10) * (owners[:, None] == np.array(names))
    fit = LogisticRegression(
        fit_intercept=False, C=np.inf, tol=1e-12, solver="newton-cholesky", max_iter=1000
    ).fit(design, won)
    for name, coefficient in zip(names, fit.coef_[0], strict=True):
        fitted = 100 / (1 + 10**-coefficient)
        assert float(win_rate(outcomes_per_question(policies[name]).sum(axis=0))) == pytest.approx(
            fitted, abs=1e-9
        )


def test_closed_form_is_what_upstream_prints():
    policies = {"x": random_games(1, 60), "y": random_games(2, 60)}
    printed = upstream_rates(battles(policies), ["x", "y"])
    ours = [
        float(win_rate(outcomes_per_question(games).sum(axis=0))) for games in policies.values()
    ]
    assert ours == pytest.approx(printed, abs=0.005)  # upstream rounds to 2 decimals


@pytest.mark.parametrize("names", [["x"], ["x", "y"]])
def test_official_interval_is_upstream_s(names: list[str]):
    """get_bootstrap_result: the same resamples by pandas, each refitted, percentiles of Elo."""
    policies = {name: random_games(3 + i, 40) for i, name in enumerate(names)}
    frame = battles(policies)
    np.random.seed(42)
    rounds = [upstream_rates(frame.sample(frac=1.0, replace=True), names) for _ in range(100)]
    rates = np.array(rounds) / 100
    elo = 400 * np.log10(rates / (1 - rates)) + 1000
    low, high = 100 / (1 + 10 ** ((1000 - np.percentile(elo, [2.5, 97.5], axis=0)) / 400))
    found = np.array(official_intervals(list(policies.values())))
    assert found == pytest.approx(np.stack([low, high], axis=1), abs=0.005)


def test_official_interval_leaves_numpy_s_global_state_alone():
    np.random.seed(7)
    before = np.random.get_state()[1].copy()
    official_intervals([random_games(5, 10)])
    assert (np.random.get_state()[1] == before).all()


@pytest.mark.parametrize("features", [1, 4])
def test_style_control_is_upstream_s_fit(features: int):
    """construct_style_matrices and fit_bt: scikit-learn's default penalty, baseline minus model."""
    policies = {"x": random_games(8, 50), "y": random_games(9, 50)}
    frame = battles(policies)
    doubled, won = targets(frame)
    style = np.array(
        [-policies[row.model_b].style[row.question, :features] for row in doubled.itertuples()]
    )
    z = (style - style.mean(axis=0)) / style.std(axis=0)
    columns = doubled["model_b"].map(["baseline", "x", "y"].index).to_numpy()
    players = np.zeros((len(doubled), 3))
    players[:, 0] = math.log(10)
    players[np.arange(len(doubled)), columns] = -math.log(10)
    fit = LogisticRegression(fit_intercept=False, C=1.0, tol=1e-10, max_iter=10_000)
    coefficients = fit.fit(np.hstack([players, z]), won).coef_[0]
    at_equal = (-style.mean(axis=0) / style.std(axis=0)) @ coefficients[3:]
    found = controlled_win_rates(policies, features)
    for column, name in ((1, "x"), (2, "y")):
        strength = coefficients[column] - coefficients[0]
        logit = math.log(10) * strength - at_equal
        assert found[name].win_rate == pytest.approx(100 / (1 + math.exp(-logit)), abs=1e-4)
    assert len(FEATURES) == 4
