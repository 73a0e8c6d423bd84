"""L1-penalised logistic regression of outcomes between 0 and 1, its strength chosen by folds.

The objective and the choice are those of scikit-learn's LogisticRegressionCV (penalty "l1", solver
"liblinear", no intercept, 10 strengths, 5 folds), which AlpacaEval calls. Liblinear stops near the
optimum, by a tolerance of 1e-4; this stops at it.
"""

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from asft.metrics.corpus import Values

STRENGTHS = np.logspace(-4, 4, 10)  # C of scikit-learn: a larger one is a weaker penalty
FOLDS = 5
CLIP = 1e-15  # of a probability, in the loss of a fold that was left out


def l1_logistic(design: Values, target: Values, weight: Values, c: float) -> Values:
    """Return the minimum of Σ|w| + c Σ weight · cross-entropy(target, design·w), (k,).

    `design` is (n, k); `target`, between 0 and 1, and `weight` are (n,).
    """
    k = design.shape[1]
    scale = c * weight.sum()

    # |w| has no derivative at 0. As two parts that are not negative, w = x[:k] - x[k:], it has.
    def loss(x: Values) -> tuple[float, Values]:
        logit = design @ (x[:k] - x[k:])
        value = x.sum() + c * weight @ (np.logaddexp(0, logit) - target * logit)
        slope = c * design.T @ (weight * (expit(logit) - target))
        return float(value / scale), np.concatenate([1 + slope, 1 - slope]) / scale

    options = {"ftol": 1e-15, "gtol": 1e-10, "maxiter": 10_000, "maxfun": 100_000}
    found = minimize(
        loss,
        np.zeros(2 * k),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, None)] * 2 * k,
        options=options,
    )
    return np.asarray(found.x[:k] - found.x[k:])


def choose_strength(design: Values, target: Values, weight: Values) -> float:
    """Return the one of `STRENGTHS` that predicts rows best which its fit has not seen.

    The last row is in fold 0, the one before in fold 1, and so on, as scikit-learn's GroupKFold
    numbers groups of one size. The measure is the mean over folds of the mean over rows of
    weight · cross-entropy; of equals the smallest strength.
    """
    folds = np.arange(len(target))[::-1] % FOLDS
    losses = np.zeros(len(STRENGTHS))
    for fold in range(FOLDS):
        seen, left = folds != fold, folds == fold
        if not left.any() or not seen.any():
            continue
        for place, c in enumerate(STRENGTHS):
            fitted = l1_logistic(design[seen], target[seen], weight[seen], float(c))
            p = np.clip(expit(design[left] @ fitted), CLIP, 1 - CLIP)
            y = target[left]
            losses[place] -= np.mean(weight[left] * (y * np.log(p) + (1 - y) * np.log(1 - p)))
    return float(STRENGTHS[int(losses.argmin())])
