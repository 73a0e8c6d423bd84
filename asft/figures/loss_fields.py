"""The losses as fields over the probabilities of two answers: values and gradients by autograd.

x1 is the probability of the chosen answer, x2 that of the rejected one, as in the paper's §4. The
losses are those that train (asft.losses); an answer here has one token, so sums are means.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from asft.losses import CompletionLogps, PairLogps, align, dpo, find_method
from asft.losses import Loss as Named

Space = Literal["probability", "log_probability"]
Loss = Callable[[PairLogps], Tensor]
Values = NDArray[np.float64]
REFERENCE = 0.5  # probability of either answer
POINTS = 41  # a side of the grid
ARROWS = slice(2, None, 4)  # the rows and columns of the grid that carry an arrow
RANGES: dict[Space, tuple[float, float]] = {
    "probability": (0.025, 0.975),
    "log_probability": (-3.0, -0.05),
}


class Field(NamedTuple):
    """A loss at n points, (n,) each: its value and its derivatives by the two coordinates."""

    value: Values
    gradient_1: Values
    gradient_2: Values


def bradley_terry(beta: float) -> Loss:
    """Return Eq. 15, DPO's loss with rewards log x: the reference has log-probability 0."""

    def loss(policy: PairLogps) -> Tensor:
        nothing = CompletionLogps(torch.zeros_like(policy.chosen.sum), policy.chosen.tokens)
        return dpo(policy, PairLogps(nothing, nothing), beta=beta)

    return loss


def paper_losses(beta: float) -> dict[str, Loss]:
    """Return the losses of the paper's Figure 1, by name."""
    return {"bradley_terry": bradley_terry(beta), "asft_align": align}


def method_loss(loss: Named, hyperparameters: Mapping[str, Any]) -> Loss:
    """Return a method's loss; to its reference, if it has one, both answers are `REFERENCE`."""
    method = find_method(loss)

    def value(policy: PairLogps) -> Tensor:
        half = torch.full_like(policy.chosen.sum, math.log(REFERENCE))
        side = CompletionLogps(half, policy.chosen.tokens)
        reference = PairLogps(side, side) if method.needs_reference else None
        return method.loss(policy, reference, **hyperparameters)

    return value


def field(loss: Loss, space: Space, first: Values, second: Values) -> Field:
    """Compute the loss and its gradient in one space at the points (first, second), both (n,).

    `first` and `second` are probabilities or log-probabilities, as `space` says, and so is what
    the derivatives are taken by.
    """
    point = torch.tensor(np.stack([first, second]), dtype=torch.float64, requires_grad=True)
    logps = point.log() if space == "probability" else point
    one_token = torch.ones_like(logps[0])
    policy = PairLogps(CompletionLogps(logps[0], one_token), CompletionLogps(logps[1], one_token))
    value = loss(policy)
    (gradient,) = torch.autograd.grad(value.sum(), point)
    return Field(value.detach().double().numpy(), *gradient.numpy())


def fields(losses: Mapping[str, Loss]) -> pd.DataFrame:
    """Compute losses in both spaces on square grids; `arrow` marks points that carry one.

    Columns: loss, space, x1, x2 (the coordinates in that space), value, gradient_1, gradient_2,
    arrow. Within a loss and space x1 varies fastest.
    """
    marked = np.zeros((POINTS, POINTS), dtype=bool)
    marked[ARROWS, ARROWS] = True
    tables = []
    for name, loss in losses.items():
        for space, ends in RANGES.items():
            side = np.linspace(*ends, POINTS)
            x1, x2 = (axis.ravel() for axis in np.meshgrid(side, side))
            columns = {"loss": name, "space": space, "x1": x1, "x2": x2}
            found = field(loss, space, x1, x2)._asdict()
            tables.append(pd.DataFrame(columns | found | {"arrow": marked.ravel()}))
    return pd.concat(tables, ignore_index=True)
