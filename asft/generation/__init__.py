"""Text from a model: our own decoding, a server that we start, any endpoint and its store."""

import lazy_loader

__all__ = [
    "CostLimit",
    "Endpoint",
    "Outcome",
    "Reply",
    "Request",
    "Store",
    "ask",
    "ask_policies",
    "call_key",
    "describe_call",
    "generate_answers",
    "is_finished",
    "list_models",
    "shortfall",
    "supports",
    "without_key",
]

# Where each is: __init__.pyi. Loaded when first used.
__getattr__, __dir__, _ = lazy_loader.attach_stub(__name__, __file__)
