"""Functions that losses are made of, finite in value and gradient where their plain forms are not.

Torch is imported inside the functions: while the Snakefile is parsed the config is checked against
the losses' signatures, and that must not wait for torch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

MOST = 80.0  # exp(89) is beyond fp32


def log1mexp(x: Tensor, eps: float = 1e-6) -> Tensor:
    """Compute log(1 - exp(x)) for x ≤ 0 in fp32, with value and gradient finite everywhere.

    Log-probabilities above -eps are taken as -eps: the value stops at log(eps) and the gradient,
    whose size is p/(1-p), at 0 beyond it. The inner `where`s keep the branch not taken away from
    its pole, as its infinite gradient times zero would be NaN.
    """
    import torch

    x = x.float().clamp(max=-eps)
    near_zero = x > -math.log(2)  # each form is exact to rounding on its own side
    close = torch.log(-torch.expm1(torch.where(near_zero, x, -1.0)))
    far = torch.log1p(-torch.exp(torch.where(near_zero, -1.0, x)))
    return torch.where(near_zero, close, far)


def log_odds(x: Tensor) -> Tensor:
    """Compute f = log(p / (1 - p)) for p = exp(x) (ASFT Eq. 10)."""
    return x - log1mexp(x)


def log_sigmoid(x: Tensor) -> Tensor:
    """Compute log σ(x)."""
    from torch.nn.functional import logsigmoid

    return logsigmoid(x)


def logistic(x: Tensor, flipped: float = 0.0) -> Tensor:
    """Compute ℓ(x) + flipped · x, with the logistic loss ℓ(x) = -log σ(x).

    As ℓ(-x) = ℓ(x) + x, a loss smoothed by ε, (1-ε) ℓ(x) + ε ℓ(-x), is this with flipped = ε: to
    the bit ℓ(x) where ε is 0.
    """
    return -log_sigmoid(x) + flipped * x


def power_log(x: Tensor, alpha: float) -> Tensor:
    """Compute (1 - exp(-alpha x)) / alpha, which is x in the limit of alpha = 0.

    The exponent is cut off at 80, where exp reaches the end of fp32: the value stops there, and
    the gradient is 0 beyond.
    """
    if alpha == 0:
        return x
    return -(-alpha * x).clamp(max=MOST).expm1() / alpha
