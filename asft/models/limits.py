"""What a model has room for: the positions that it has learnt, and its attention window."""

from __future__ import annotations

import re
from typing import Any

import torch

_POSITIONS = re.compile(r"(^|\.)(wpe|embed_positions|position_embeddings?|pos_emb)$")


def learnt_positions(model: Any) -> int | None:
    """Return how many positions a model has learnt a vector for; None where it computes them."""
    # Of a model that also sees, the part for text.
    for name, module in (model.get_decoder() or model).named_modules():
        if isinstance(module, torch.nn.Embedding) and _POSITIONS.search(name):
            # OPT's first two rows belong to no position.
            return int(module.num_embeddings) - int(getattr(module, "offset", 0))
    return None


def attention_window(model: Any) -> int | None:
    """Return how many tokens back the narrowest layer of a model sees; None where all see all."""
    config = model.config.get_text_config()
    window = getattr(config, "sliding_window", None)
    if window is None or getattr(config, "use_sliding_window", True) is False:
        return None
    kinds = getattr(config, "layer_types", None)
    if kinds is not None and not any("sliding" in kind for kind in kinds):
        return None
    return int(window)
