"""The learning rate: linear warm-up from the first step on, then a cosine down to zero."""

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


def warmed_cosine(optimizer: Optimizer, warmup_steps: int, steps: int) -> LambdaLR:
    """Return a schedule with which every step learns.

    Of `warmup_steps` W, step k (from 1) has k / (W + 1) of the learning rate, step W + 1 all of it.
    transformers' cosine, which TRL and most others train by, has (k - 1) / W: there the first step
    has a learning rate of 0, computes a batch and learns nothing from it, and a run of one step
    ends as it began. From step W + 1 on both are the same.
    """

    def share(done: int) -> float:
        if done < warmup_steps:
            return (done + 1) / (warmup_steps + 1)
        progress = (done - warmup_steps) / max(1, steps - warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * progress))

    return LambdaLR(optimizer, share)
