"""Whether packed pairs are right for a model: tried on a few tokens, before anything is trained.

Packing takes for granted that tokens meet in attention alone, and there by nothing but queries,
keys and values. Convolutions and recurrences, attention sinks, position biases and sparse indices
break that, some of them without an error: pairs then see one another.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from asft.data import TokenPair
from asft.training.attention.names import PAIR_ATTENTION, attends_to_pairs
from asft.training.packing import pack
from asft.training.pair_logps import pair_logps, scores_apart

SIZES = ((5, 4, 7), (3, 6, 2))  # tokens of prompt, chosen and rejected of two pairs
# Of a completion's log-probability. Rounding in fp32 is far below; a leak is of its order.
TOLERANCE = {torch.float32: 1e-5}
IN_HALF = 5e-3


def what_packing_breaks(policy: Any) -> str:
    """Say why two packed pairs are not the same as four separate sequences; "" where they are.

    The model is on the CPU, and stays as it is.
    """
    if not attends_to_pairs(policy) or not policy._can_set_attn_implementation():
        return "the model's attention cannot be replaced"
    words = policy.get_input_embeddings().num_embeddings
    [row] = pack(_pairs(words), 64)
    ours, training = policy.config._attn_implementation, policy.training
    policy.eval()
    try:
        with torch.no_grad():
            policy.set_attn_implementation(PAIR_ATTENTION)  # of GPUs' kernels the same holds
            packed = pair_logps(policy, row)
            policy.set_attn_implementation("eager")
            alone = scores_apart(policy, row).sum[: 2 * len(SIZES)]
    except (TypeError, ValueError, KeyError, RuntimeError, AttributeError, IndexError) as error:
        return f"its layers take no packed pairs ({' '.join(str(error).split())[:120]})"
    finally:
        policy.set_attn_implementation(ours)
        policy.train(training)
    found = torch.cat([packed.chosen.sum, packed.rejected.sum])
    off = (found - alone).abs()
    if (off <= TOLERANCE.get(policy.dtype, IN_HALF) * alone.abs().clamp(min=1)).all():
        return ""
    return f"packed, pairs would see one another or lose what it attends by ({off.max():.2g} nats)"


def _pairs(words: int) -> list[TokenPair]:
    random = np.random.default_rng(0)

    def ids(size: int) -> Any:
        return random.integers(0, words, size, dtype=np.int32)

    return [
        TokenPair(f"probe{number}", ids(prompt), ids(chosen), ids(rejected))
        for number, (prompt, chosen, rejected) in enumerate(SIZES)
    ]
