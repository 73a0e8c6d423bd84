"""A model's own decoding settings, which are set aside: the config's hold for every policy."""

import sys
from typing import Any

from transformers import GenerationConfig

# What the config says, or what is no matter of decoding.
_OURS = ("do_sample", "temperature", "top_p", "top_k", "max_new_tokens", "max_length")
_TOKENS = ("bos_token_id", "eos_token_id", "pad_token_id", "transformers_version")


def set_aside(model: Any) -> dict[str, Any]:
    """Take a model's own decoding settings from it, and return those that would change answers.

    `model.generate` fills with them what it is not told; the decoder of this project never did. The
    log names them: repetition penalties, minimum lengths, words that may not be said.
    """
    own = model.generation_config.to_diff_dict()
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        **{name: own[name] for name in _TOKENS[:3] if name in own}
    )
    left = {k: v for k, v in own.items() if k not in (*_OURS, *_TOKENS) and v not in (None, [], {})}
    if left:
        listed = ", ".join(f"{name} {value}" for name, value in sorted(left.items()))
        print(f"the model's own settings are not used: {listed}", file=sys.stderr, flush=True)
    return left
