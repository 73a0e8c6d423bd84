"""Numbers of tokens' distributions, a few positions at a time."""

import pytest
import torch
from preferences import learnable_pairs

from asft.models.loading import load_policy
from asft.training.attention.pairs import PAIR_ATTENTION  # and registers it
from asft.training.logps import CHUNK, token_collisions
from asft.training.packing import pack
from asft.training.pair_logps import pair_logps


@pytest.mark.parametrize("tokens", [1, CHUNK["cpu"], 3 * CHUNK["cpu"] + 5])
def test_collisions_are_the_sums_of_squares(tokens):
    logits = 5 * torch.randn(tokens, 50, generator=torch.Generator().manual_seed(tokens))
    expected = logits.double().softmax(-1).square().sum(-1).log().float()
    torch.testing.assert_close(token_collisions(logits), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("attention", [PAIR_ATTENTION, "eager"])
def test_collisions_of_pairs_are_those_of_their_sequences(tiny, attention):
    """Packed, and one completion at a time; asked for, the rest is as it was."""
    pairs = learnable_pairs(4)
    (row,) = pack(pairs, 1000)
    model = load_policy(tiny, torch.float32, attention).eval()
    with torch.no_grad():
        found, plain = pair_logps(model, row, collisions=True), pair_logps(model, row)
    assert plain.collisions is None
    torch.testing.assert_close(found[:2], plain[:2])
    for number, pair in enumerate(pairs):
        for side in ("chosen", "rejected"):
            completion = torch.from_numpy(getattr(pair, side)).long()
            sequence = torch.cat([torch.from_numpy(pair.prompt).long(), completion])
            with torch.no_grad():
                logits = load_policy(tiny, torch.float32)(sequence[None]).logits[0]
            squares = logits[len(pair.prompt) - 1 : -1].softmax(-1).square().sum(-1).log().sum()
            hits = getattr(found.collisions, side)
            torch.testing.assert_close(hits.sum[number], squares, rtol=1e-4, atol=1e-4)
            assert hits.tokens[number] == len(completion)
