"""Floating-point operations: what this machine can do in a second, what a pair needs."""

import json
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

MAX_LENGTH = 1024  # tokens of a prompt and one answer


def peak_flops(dtype: str, device: str = "cpu") -> float:
    """Multiply-adds, counted as two, per second of a large product of this torch type."""
    import torch

    size = 4096 if device == "cpu" else 8192
    a = torch.randn(size, size, device=device).to(getattr(torch, dtype))

    def product() -> None:
        a @ a
        if device != "cpu":
            torch.cuda.synchronize()

    return 2 * size**3 / min(_seconds(product) for _ in range(20))


def _seconds(run: Callable[[], None]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def useful_flops(model: Path, pairs: Path, left_out: Collection[int] = ()) -> float:
    """Of a mean pair, forward and backward: prompt tokens once, the head on scored positions.

    `left_out` are the rows of pairs whose step is not in the time.
    """
    from transformers import AutoConfig

    from asft.config.data import Tokens
    from asft.data.encoding import encode_pair
    from asft.data.pair_formats import FORMATS
    from asft.models.folders import load_tokenizer

    config, tokenizer = AutoConfig.from_pretrained(model), load_tokenizer(model)
    width, layers, per_layer = config.hidden_size, config.num_hidden_layers, _layer_weights(config)
    total = 0.0
    rows = json.loads(pairs.read_text(encoding="utf-8"))
    rows = [row for number, row in enumerate(rows) if number not in left_out]
    for row in rows:
        pair, _ = encode_pair(FORMATS["trl"](row), tokenizer, Tokens(max_length=MAX_LENGTH))
        p, c, r = map(len, (pair.prompt, pair.chosen, pair.rejected))
        seen = (p + c) ** 2 / 2 + r * p + r**2 / 2
        total += 6 * (p + c + r) * layers * per_layer
        total += 6 * (c + r) * config.vocab_size * width + 3 * 4 * layers * width * seen
    return total / len(rows)


def decoding_flops(model: Path, seen: float) -> float:
    """Of a new token that sees so many, forward, with the head."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(model)
    width, layers = config.hidden_size, config.num_hidden_layers
    products = layers * _layer_weights(config) + config.vocab_size * width
    return 2 * products + 2 * 2 * layers * width * seen


def _layer_weights(config: Any) -> int:
    width, heads = config.hidden_size, config.num_attention_heads + 2 * config.num_key_value_heads
    attention: int = width * heads * config.head_dim + width**2
    return attention + 3 * width * int(config.intermediate_size)
