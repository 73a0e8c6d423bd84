"""The L1-penalised fit and its strength against scikit-learn's, stopped at the optimum."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from asft.metrics.corpus import Values
from asft.metrics.l1_logistic import FOLDS, STRENGTHS, choose_strength, l1_logistic

# Scikit-learn 1.8 renamed the argument `penalty`, which 1.7 asks for.
pytestmark = pytest.mark.filterwarnings("ignore:.*penalty")


def drawn(seed: int, n: int = 120) -> tuple[Values, Values, Values]:
    random = np.random.default_rng(seed)
    design = random.normal(size=(n, 3))
    target = expit(design @ [1.0, -0.5, 0.1] + random.normal(0, 1, n))
    return design, target, random.choice([0.1, 1.0], n)


def sklearn_fit(design: Values, target: Values, weight: Values, c: float) -> Values:
    """Scikit-learn knows no outcome between 0 and 1: such a row is part of each."""
    model = LogisticRegression(
        C=c, penalty="l1", solver="liblinear", fit_intercept=False, tol=1e-12, max_iter=10_000
    )
    won = np.repeat([1, 0], len(target))
    halves = np.concatenate([weight * target, weight * (1 - target)])
    return model.fit(np.vstack([design, design]), won, sample_weight=halves).coef_[0]


@pytest.mark.parametrize("c", STRENGTHS[[0, 2, 3, 5, 9]])
def test_the_optimum_is_scikit_learn_s(c: float):
    design, target, weight = drawn(1)
    found = l1_logistic(design, target, weight, c)
    assert found == pytest.approx(sklearn_fit(design, target, weight, c), abs=1e-5)


def test_a_strong_penalty_leaves_nothing():
    assert l1_logistic(*drawn(1), STRENGTHS[0]).tolist() == [0, 0, 0]


@pytest.mark.parametrize("seed", range(3))
def test_the_strength_is_that_of_scikit_learn_s_folds(seed: int):
    design, target, weight = drawn(seed)
    n = len(target)
    folds = GroupKFold(FOLDS).split(np.zeros(2 * n), groups=np.tile(np.arange(n), 2))
    losses = np.zeros(len(STRENGTHS))
    for _, left in folds:
        left = left[left < n]
        seen = np.setdiff1d(np.arange(n), left)
        for place, c in enumerate(STRENGTHS):
            p = expit(design[left] @ sklearn_fit(design[seen], target[seen], weight[seen], c))
            y = target[left]
            losses[place] -= np.mean(weight[left] * (y * np.log(p) + (1 - y) * np.log(1 - p)))
    assert choose_strength(design, target, weight) == STRENGTHS[losses.argmin()]


def test_of_equal_strengths_the_smallest():
    """A feature that is 0 everywhere predicts alike whatever the penalty."""
    assert choose_strength(np.zeros((10, 1)), np.full(10, 0.3), np.ones(10)) == STRENGTHS[0]
