"""AlpacaEval's win rates, plain and length-controlled, from preferences and lengths.

As alpaca_eval 0.6.6 computes them (metrics/winrate.py, metrics/helpers.py, metrics/glm_winrate.py).

The plain win rate is the mean preference, its standard error that of a mean. The length-controlled
one (arXiv 2404.04475) comes from a logistic regression of the preference, for one model:

    logit = a · tanh(length difference / its standard deviation) + b · difficulty + c

fitted, then averaged over the instructions with no length difference. What the formula leaves out:

- The difference is the baseline's length minus the model's, in characters, divided by its own
  standard deviation (n - 1) and not centred.
- Difficulties are numbers that were fitted once, over many models, and published; nothing is
  fitted to them here.
- To the model's rows are added those of two gamed baselines, the baseline asked to be verbose and
  to be concise, each row with weight 0.1 (λ = 0.2, halved). They have no c, and so hold a and b.
- The penalty is L1 (`l1_logistic`), on a, b and c alike. Its strength is chosen for each model by
  5 folds. Neighbouring strengths often predict alike, and then upstream's choice hangs on where its
  solver stops: a win rate may differ from the leaderboard's by a tenth of a point for that alone.
- Instructions without a preference are left out of the fit, and predicted all the same.
- A difficulty belongs to a place in the file, not to an instruction (`length_controlled_win_rate`).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from asft.metrics.corpus import Values
from asft.metrics.l1_logistic import choose_strength, l1_logistic

GAMED_WEIGHT = 0.1  # of a row of a gamed baseline: regularize_to_baseline_lambda, of two baselines


class Preferences(NamedTuple):
    """A judge's preferences between a model and a baseline, all (n,), by instruction."""

    preference: Values  # for the model's output, 0 to 1; 0.5 is a tie, NaN is none
    length: Values  # of the model's output, characters
    baseline_length: Values


class GamedBaselines(NamedTuple):
    """The rows of the gamed baselines that every fit is held by, all (m,)."""

    preference: Values  # as of `Preferences`; NaN is none
    length_difference: Values  # baseline minus gamed, in standard deviations
    difficulty: Values


class WinRate(NamedTuple):
    """A plain win rate, 0-100, with its standard error and its counts."""

    win_rate: float
    standard_error: float
    n_wins: int
    n_losses: int
    n_draws: int
    n: int  # with a preference
    discrete_win_rate: float  # of preferences rounded to a win, a loss, or exactly a tie


class LengthControlled(NamedTuple):
    """A length-controlled win rate, 0-100, and the fit behind it.

    `spread` is what AlpacaEval calls `lc_standard_error`: the standard deviation of the predicted
    preferences over √n. It says how instructions differ, not how sure the win rate is, since the
    error of the coefficients has no part in it.
    """

    win_rate: float
    spread: float
    predicted: Values  # (n,): the preference at no length difference, 0 to 1
    weights: Values  # (3,): of the length difference, of the difficulty, of the model
    strength: float  # C, 1 / the penalty


def plain_win_rate(preference: Values) -> WinRate:
    """Return the mean preference, in per cent, of the instructions that have one.

    The standard error of a single preference is NaN.

    Raises:
        ValueError: there is no preference.
    """
    known = preference[~np.isnan(preference)]
    if not len(known):
        raise ValueError("no preferences")
    return WinRate(
        100 * float(known.mean()),
        100 * _standard_error(known),
        n_wins=int((known > 0.5).sum()),
        n_losses=int((known < 0.5).sum()),
        n_draws=int((known == 0.5).sum()),
        n=len(known),
        discrete_win_rate=100 * float(np.where(known == 0.5, 0.5, known > 0.5).mean()),
    )


def length_controlled_win_rate(
    found: Preferences, difficulty: Values, gamed: GamedBaselines, strength: float | None = None
) -> LengthControlled:
    """Return the win rate that the model would have if its outputs were as long as the baseline's.

    `difficulty` is (n,), of the instructions of `found` in their order. AlpacaEval gives the first
    row the first published difficulty and so on, also where a file leaves instructions out: from
    there on each row has that of another. Who wants its numbers does so too. `strength`, C, is
    chosen by folds where it is None.

    Raises:
        ValueError: there is no preference, or the shapes differ.
    """
    preference, length, baseline_length = found
    if not preference.shape == length.shape == baseline_length.shape == difficulty.shape:
        raise ValueError("preferences, lengths and difficulties are not of the same instructions")
    known = ~np.isnan(preference)
    if not known.any():
        raise ValueError("no preferences")
    shift = _in_deviations(baseline_length - length)
    own = np.stack([np.tanh(shift), difficulty, np.ones(len(shift))], axis=1)
    held = ~np.isnan(gamed.preference)
    theirs = np.stack(
        [np.tanh(gamed.length_difference), gamed.difficulty, np.zeros(len(held))], axis=1
    )
    design = np.concatenate([theirs[held], own[known]])
    target = np.concatenate([gamed.preference[held], preference[known]])
    weight = np.concatenate([np.full(held.sum(), GAMED_WEIGHT), np.ones(known.sum())])
    if strength is None:
        strength = choose_strength(design, target, weight)
    weights = l1_logistic(design, target, weight, strength)
    predicted = expit(weights[1] * difficulty + weights[2])
    spread = 100 * _standard_error(predicted)
    return LengthControlled(100 * float(predicted.mean()), spread, predicted, weights, strength)


def against_itself(n: int) -> LengthControlled:
    """Return what AlpacaEval gives the baseline by construction: 50 on each of `n` instructions."""
    return LengthControlled(50.0, 0.0, np.full(n, 0.5), np.zeros(3), float("nan"))


def _in_deviations(difference: Values) -> Values:
    """Lengths that all differ alike are no difference; AlpacaEval stops there, on a NaN."""
    deviation = float(difference.std(ddof=1)) if len(difference) > 1 else 0.0
    return difference / deviation if deviation > 0 else np.zeros_like(difference)


def _standard_error(values: Values) -> float:
    n = len(values)
    return float(values.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
