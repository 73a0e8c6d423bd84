"""Policies on disk: where they come from, how they are loaded, what they compute on."""

import lazy_loader

__all__ = [
    "ModelHere",
    "attention_window",
    "default_device",
    "end_token_ids",
    "fetch_base_model",
    "files_of",
    "find_policy",
    "identity_of",
    "learnt_positions",
    "load_policy",
    "load_reader",
    "load_reward_model",
    "load_tokenizer",
    "merge_adapter",
    "model_here",
    "refuse_other_tokens",
    "resolve_precision",
    "tokenizer_here",
    "use_threads",
    "weights_of",
]

# Where each is: __init__.pyi. Loaded when first used.
__getattr__, __dir__, _ = lazy_loader.attach_stub(__name__, __file__)
