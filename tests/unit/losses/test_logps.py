"""Margins of log-probabilities."""

import torch

from asft.losses import CompletionLogps, PairLogps


def test_margins_of_sums_and_of_means():
    chosen, rejected = (
        CompletionLogps(torch.tensor([total]), torch.tensor([count]))
        for total, count in ((-6.0, 3), (-4.0, 1))
    )
    logps = PairLogps(chosen, rejected)
    assert logps.margin_sum.tolist() == [-2.0]
    assert logps.margin.tolist() == [2.0]
