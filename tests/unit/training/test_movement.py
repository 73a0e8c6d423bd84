"""A policy that is saved as it came is refused."""

import pytest
import torch

from asft.errors import UserError
from asft.training.movement import refuse_unmoved, sums_of_bits


def weights(change=0.0):
    generator = torch.Generator().manual_seed(0)
    found = {name: torch.randn(3, 5, generator=generator) for name in "ab"}
    found["b"][1, 2] += change
    return found


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_one_weight_is_enough(dtype, tmp_path):
    before = sums_of_bits(weights(), dtype)
    refuse_unmoved(before, weights(0.1), dtype, tmp_path)
    with pytest.raises(UserError, match="has changed no weight that is saved"):
        refuse_unmoved(before, weights(), dtype, tmp_path)


def test_what_bfloat16_rounds_away_is_no_movement(tmp_path):
    refuse_unmoved(sums_of_bits(weights(), torch.float32), weights(1e-6), torch.float32, tmp_path)
    before = sums_of_bits(weights(), torch.bfloat16)
    with pytest.raises(UserError, match=r"\(in bfloat16\).*training\.save_dtype"):
        refuse_unmoved(before, weights(1e-6), torch.bfloat16, tmp_path)


def test_names_that_are_only_saved_do_not_count(tmp_path):
    """Tied weights have a second name where they are gathered from several processes."""
    before = sums_of_bits(weights(), torch.float32)
    with pytest.raises(UserError, match="no weight"):
        refuse_unmoved(before, weights() | {"head": torch.ones(1)}, torch.float32, tmp_path)
