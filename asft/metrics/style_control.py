"""Win rates at equal length or style: what is left when a judge's taste for form is taken out.

The fit is Arena-Hard's style control (arena-hard-auto at 0489bf3, utils_math.py): one logistic
regression over the battles of all policies, whose features are a coefficient per player and the
z-scored style differences, L2-penalised (C = 1), every battle counted twice as there.

We report the fitted win rate at *no* style difference. Upstream reports it at the mean difference
of the battles it is given (z = 0), which for one policy is its plain win rate again: nothing is
controlled unless policies of other styles are in the same fit.
"""

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from asft.metrics.arena_hard import Games, outcomes
from asft.metrics.corpus import Values

FEATURES = ("length", "headers", "lists", "bolds")
MIN_GAMES = 20
CODE = re.compile("```([^`]*)```")
HEADER = re.compile(r"^#{1,6}\s", re.MULTILINE)
LIST = re.compile(r"^\s*(?:\d+\.|[-*+])\s", re.MULTILINE)
BOLD = re.compile(r"\*\*[^*\n]+\*\*")
BOLD_UNDERSCORES = re.compile(r"__[^_\n]+__")
PIECE = re.compile(r"\w{1,7}|[^\w\s]")


class Controlled(NamedTuple):
    """A win rate at equal style, 0-100, or None with a reason."""

    win_rate: float | None
    reason: str = ""


def count_style(text: str) -> tuple[int, ...]:
    """Count the length and the Markdown elements of an answer, in the order of `FEATURES`.

    Elements as in arena-hard-auto's add_markdown_info.py: code blocks lose their content first,
    wherever in the answer that content stands. Length is in pieces of at most 7 word characters
    and single marks, the same for policy and baseline, whose tokenizers differ; on upstream's
    answer files its relative differences correlate at 0.985 or more with those of tiktoken.
    """
    length = len(PIECE.findall(text))
    for block in CODE.findall(text):
        text = text.replace(block, "")
    bolds = len(BOLD.findall(text)) + len(BOLD_UNDERSCORES.findall(text))
    return length, len(HEADER.findall(text)), len(LIST.findall(text)), bolds


def style_difference(policy: Values, baseline: Values) -> Values:
    """Return (a - b) / (a + b + 1) of the counts of policy and baseline, between -1 and 1."""
    return np.asarray((policy - baseline) / (policy + baseline + 1))


def controlled_win_rates(policies: Mapping[str, Games], features: int) -> dict[str, Controlled]:
    """Return win rates, 0-100, with the first `features` of `FEATURES` controlled.

    1 is length, 4 is style.

    The policies share the features' coefficients. None for a policy whose answers are unknown,
    that has fewer than 20 valid games, or has won or lost them all (separation); and for all
    policies if no feature varies.
    """
    refused = {name: refusal(games) for name, games in policies.items()}
    usable = [games for name, games in policies.items() if not refused[name]]
    rates = _fit(usable, features) if usable else []
    if rates is None:
        reason = "style differences do not vary"
        refused = {name: found or reason for name, found in refused.items()}
    fitted = iter(rates or [])
    return {
        name: Controlled(None, reason) if reason else Controlled(next(fitted))
        for name, reason in refused.items()
    }


def refusal(games: Games) -> str:
    """Say why a policy has no controlled win rate; "" if it has one."""
    if games.style is None:
        return "the answers' style is not known"
    if games.n_scored < MIN_GAMES:
        return f"{games.n_scored} valid games; at least {MIN_GAMES} are needed"
    found = outcomes(games)
    points = found[..., 1][found[..., 0] > 0]
    if points.min() == 1 or points.max() == 0:
        return f"every valid game is {'won' if points.max() else 'lost'}"
    return ""


def _fit(policies: list[Games], features: int) -> list[float] | None:
    """The win rate at equal style per policy; None if no feature varies."""
    found = np.concatenate([outcomes(games) for games in policies])
    known = [games.style for games in policies if games.style is not None]  # all: see refusal
    style = np.concatenate(known)[:, :features]
    owner = np.repeat(np.arange(len(policies)), [len(games.labels) for games in policies])
    valid = (found[..., 0] > 0).ravel()
    weight, points = (found[..., column].ravel()[valid] for column in (0, 1))
    style, owner = np.repeat(style, 2, axis=0)[valid], np.repeat(owner, 2)[valid]
    center = np.average(style, axis=0, weights=weight)
    spread = np.sqrt(np.average((style - center) ** 2, axis=0, weights=weight))
    varies = spread > 1e-12
    if not varies.any():
        return None
    z = (style - center)[:, varies] / spread[varies]
    players = math.log(10) * (owner[:, None] == np.arange(len(policies)))
    design = np.hstack([np.full((len(z), 1), -math.log(10)), players, z])
    coefficients = penalised_logistic(design, points, 2 * weight)
    strength = coefficients[1 : len(policies) + 1] - coefficients[0]
    at_equal = -center[varies] / spread[varies] @ coefficients[len(policies) + 1 :]
    return [float(100 * expit(x + at_equal)) for x in math.log(10) * strength]


def penalised_logistic(
    design: Values, target: Values, weight: Values, penalty: float = 1.0
) -> Values:
    """Return the minimum of ½ penalty |c|² + Σ weight · cross-entropy(target, design·c).

    That is scikit-learn's, whose C is 1 / penalty. `design` is (n, k), the others (n,).
    """

    def loss(c: Values) -> float:
        logit = design @ c
        return float(penalty * c @ c / 2 + weight @ (np.logaddexp(0, logit) - target * logit))

    def gradient(c: Values) -> Values:
        return np.asarray(penalty * c + design.T @ (weight * (expit(design @ c) - target)))

    def hessian(c: Values) -> Values:
        p = expit(design @ c)
        curvature = design.T @ (design * (weight * p * (1 - p))[:, None])
        return np.asarray(penalty * np.eye(len(c)) + curvature)

    start = np.zeros(design.shape[1])
    found = minimize(loss, start, jac=gradient, hess=hessian, method="trust-exact", tol=1e-9)
    return np.asarray(found.x)
