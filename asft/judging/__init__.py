"""Judges: prompts, calls, verdicts, controls, published judgments."""

import lazy_loader

__all__ = [
    "STORE",
    "PublishedPair",
    "check_prompts",
    "draw_balanced",
    "endpoint_of",
    "foreseen_prompts",
    "import_alpaca_eval",
    "import_arena_hard",
    "import_fastchat",
    "judge_answers",
    "judge_cost",
    "judge_pairs",
    "judge_refusals",
    "read_published",
    "write_control",
]

# Where each is: __init__.pyi. Loaded when first used.
__getattr__, __dir__, _ = lazy_loader.attach_stub(__name__, __file__)
