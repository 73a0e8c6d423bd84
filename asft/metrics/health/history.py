"""Checks of a training's history, each a pure function of its rows.

Held-out measurements come first: they are of the same pairs before and after, so a change is the
policy's, not the batch's. What was not measured, or is no number, is not checked.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from asft.metrics.health.finding import Finding, Level

LOOKED_AT = ["step", "split", "loss", "grad_norm", "accuracy", "pairs", "margin", "margin_sum"]
LOOKED_AT += [f"logp_{side}{per}" for side in ("chosen", "rejected") for per in ("", "_sum")]
FELL = 0.01  # nats a token: a hundredth of a token's likelihood
HALVED = math.log(2)  # nats a token: each token is half as likely
GENERALISATION_LOSS = 5.0  # per cent
SATURATED = 0.99
SATURATED_PAIRS = 100
CLIPPED_SHARE = 0.5  # of the mean norm
CLIPPED_STEPS = 10
TREND_STEPS = 20


class _Change(NamedTuple):
    """A quantity of the same held-out pairs before the first step and at the end."""

    before: float
    after: float

    @property
    def by(self) -> float:
        return self.after - self.before


def history_findings(
    history: pd.DataFrame, max_grad_norm: float | None = None, comparable: bool = True
) -> list[Finding]:
    """Return what every check finds that the history has the numbers for.

    Args:
        history: rows of `history.csv`, as far as it goes. Empty cells are NaN, and of the
            log-probabilities, in nats, the columns with and without `_sum` are used. A column
            that is missing was not measured.
        max_grad_norm: gradients were clipped to it; None: not known
        comparable: whether losses of different steps compare. They do not where the reference
            moves with the policy, or the loss looks at a running mean.

    Entropy and KL from the start are in no history, so nothing is said of them.
    """
    history = history.reindex(columns=LOOKED_AT)
    train, heldout = (history[history["split"] == split] for split in ("train", "heldout"))
    found = [_finite(history)]
    if comparable:
        found += [_loss(train, heldout), _generalisation(heldout)]
    found += [_likelihood(heldout), _margin(train, heldout), _saturation(train)]
    found.append(_clipping(train, max_grad_norm))
    return [finding for finding in found if finding]


def _finite(history: pd.DataFrame) -> Finding | None:
    """Whether the loss is a number in every row; training refuses to save weights that are not."""
    if history.empty:
        return None
    odd = history[~np.isfinite(history["loss"].astype(float))]
    words = f"The loss is a number in all {len(history)} rows of the history"
    if len(odd):
        first = int(odd["step"].iloc[0])
        words = f"The loss is no number in {len(odd)} of {len(history)} rows, first at step {first}"
    return Finding("finite", "fault" if len(odd) else "in range", len(odd), 0, words)


def _loss(train: pd.DataFrame, heldout: pd.DataFrame) -> Finding | None:
    """Whether the loss fell: of held-out pairs, else of training steps, which are other pairs."""
    change, where = _change(heldout, "loss"), _pairs(heldout)
    if change is None:
        losses = train["loss"].to_numpy(float)
        if len(losses) < TREND_STEPS or not np.isfinite(losses).all():
            return None
        quarter = len(losses) // 4
        change = _Change(float(losses[:quarter].mean()), float(losses[-quarter:].mean()))
        where = f"means of the first and the last {quarter} steps"
    said = "Held-out loss" if _change(heldout, "loss") else "Training loss"
    how = "fell" if change.by < 0 else "did not fall"
    words = f"{said} {how}: {change.before:.4g} before, {change.after:.4g} after ({where})"
    level: Level = "in range" if change.by < 0 else "warning"
    return Finding("loss", level, change.by, 0, words)


def _generalisation(heldout: pd.DataFrame) -> Finding | None:
    """Prechelt's generalization loss, 100 (E_end / E_lowest - 1): more than 5 is overfitting.

    Three measurements at least, and losses above 0: of others a ratio says nothing.
    """
    losses = heldout["loss"].to_numpy(float)
    if len(losses) < 3 or not np.isfinite(losses).all() or losses.min() <= 0:
        return None
    lowest = int(losses.argmin())
    value = 100 * (losses[-1] / losses[lowest] - 1)
    if lowest == 0:
        return None  # one that only rose is the finding of `_loss`
    if value <= GENERALISATION_LOSS:
        words = f"Held-out loss ends {value:.1f} % above its lowest"
        words = words if value else "Held-out loss ends at its lowest"
        return Finding("generalisation", "in range", value, GENERALISATION_LOSS, words)
    words = (
        f"Held-out loss rose again after step {int(heldout['step'].iloc[lowest])}: from"
        f" {losses[lowest]:.4g} to {losses[-1]:.4g} ({value:+.0f} %, {_pairs(heldout)})"
    )
    return Finding("generalisation", "warning", value, GENERALISATION_LOSS, words)


def _likelihood(heldout: pd.DataFrame) -> Finding | None:
    """Whether the chosen answers became less likely, which a growing margin does not show.

    Likelihood displacement (Razin et al. 2024): the margin grows while both fall, so that the
    probability goes to answers that nobody compared. Usual with DPO, whose loss sees differences
    alone, and benign where those answers are as good. DPOP (Pal et al. 2024) punishes any fall;
    here it is named from a hundredth of a token's likelihood, and a warning from where each token
    is half as likely as before, or where the rejected answers do not fall with them.
    """
    chosen, rejected = (_change(heldout, f"logp_{side}_sum") for side in ("chosen", "rejected"))
    token = _change(heldout, "logp_chosen")
    if chosen is None or rejected is None or token is None:
        return None
    amounts = f"(chosen {_nats(chosen.by)} nats an answer, rejected {_nats(rejected.by)};"
    amounts += f" chosen {_nats(token.by, 2)} a token, {_pairs(heldout)})"
    if chosen.by >= 0 or token.by > -FELL:
        words = f"Held-out chosen answers did not become less likely {amounts}"
        return Finding("likelihood", "in range", token.by, -FELL, words)
    if rejected.by >= 0:
        words = f"Chosen answers became less likely and rejected ones did not {amounts}"
        return Finding("likelihood", "warning", token.by, -FELL, words)
    words = f"Chosen and rejected log-likelihood both fell {amounts}"
    if token.by > -HALVED:
        return Finding("likelihood", "note", token.by, -FELL, words)
    words += ": each chosen token is on average less than half as likely as before"
    return Finding("likelihood", "warning", token.by, -HALVED, words)


def _margin(train: pd.DataFrame, heldout: pd.DataFrame) -> Finding | None:
    """Whether held-out answers moved apart, of a loss that looks at the rejected ones.

    A margin that stays within a hundredth of a token's likelihood is a note: held-out pairs are
    few, and losses with a term of SFT move it slowly.
    """
    answer, token = _change(heldout, "margin_sum"), _change(heldout, "margin")
    if answer is None or token is None or train["logp_rejected_sum"].isna().all():
        return None
    grown = max(answer.by, token.by) > 0
    words = (
        f"Held-out margin {'grew' if grown else 'did not grow'} ({_nats(answer.by)} nats an"
        f" answer, {_nats(token.by, 2)} a token, {_pairs(heldout)})"
    )
    level: Level = "in range" if grown else "note" if token.by > -FELL else "warning"
    return Finding("margin", level, answer.by, 0, words)


def _saturation(train: pd.DataFrame) -> Finding | None:
    """Whether nearly all of the last training pairs are told apart.

    Azar et al. (2023): where pairs are told apart for certain, the sigmoid is flat, and what the
    reference holds back fades. Fewer than 100 pairs cannot tell 99 % from less.
    """
    known = train[train["accuracy"].notna()]
    pairs = known["pairs"].to_numpy(float)[::-1].cumsum()
    if not len(pairs) or pairs[-1] < SATURATED_PAIRS:
        return None
    last = known.iloc[-(int(np.searchsorted(pairs, SATURATED_PAIRS)) + 1) :]
    value = float(np.average(last["accuracy"], weights=last["pairs"]))
    words = f"{100 * value:.0f} % of the last {int(last['pairs'].sum())} training pairs have a"
    words += " margin above 0"
    saturated = value >= SATURATED
    if saturated:
        words = f"The margin saturates: {words}, so that little is left to learn from them"
    return Finding("saturation", "note" if saturated else "in range", value, SATURATED, words)


def _clipping(train: pd.DataFrame, limit: float | None) -> Finding | None:
    """Whether every step was clipped, and to less than half of the mean norm.

    Pascanu et al. (2013) find that limits from half to ten times the mean norm serve. A smaller
    one makes the gradient's length the same at every step, which Adam bears well: a note.
    """
    norms = train["grad_norm"].dropna().to_numpy(float)
    if not limit or len(norms) < CLIPPED_STEPS or norms.mean() == 0:
        return None
    clipped, share = int((norms > limit).sum()), limit / norms.mean()
    far = clipped == len(norms) and share < CLIPPED_SHARE
    steps = f"all {clipped}" if clipped == len(norms) else f"{clipped} of {len(norms)}"
    words = f"The gradient was clipped at {steps} steps (mean norm {norms.mean():.3g}, limit"
    words += f" {limit:g})"
    return Finding("clipping", "note" if far else "in range", share, CLIPPED_SHARE, words)


def _change(heldout: pd.DataFrame, column: str) -> _Change | None:
    """Return it before the first step and at the last measurement, or None where one is missing."""
    if len(heldout) < 2 or heldout["step"].iloc[0] != 0:
        return None
    before, after = float(heldout[column].iloc[0]), float(heldout[column].iloc[-1])
    return _Change(before, after) if math.isfinite(before) and math.isfinite(after) else None


def _pairs(heldout: pd.DataFrame) -> str:
    return f"{int(heldout['pairs'].iloc[-1])} pairs" if len(heldout) else ""


def _nats(value: float, digits: int = 1) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")
