"""Preference pairs and test questions: sources, formats, chat templates, tokens, cards."""

import lazy_loader

__all__ = [
    "API_ERROR",
    "BENCHMARK_FORMATS",
    "CLOCK",
    "DATE",
    "FORMATS",
    "BaselineAnswer",
    "Comparison",
    "Joined",
    "Pairs",
    "TokenPair",
    "Unusable",
    "cached_snapshot",
    "describe",
    "encode_completions",
    "encode_pair",
    "encode_prompt",
    "fetch_one",
    "load_baseline",
    "load_completions",
    "load_reference_answers",
    "load_rows",
    "make_cache",
    "offline",
    "open_rows",
    "pairs_here",
    "prepare_pairs",
    "read_comparisons",
    "read_tokens",
    "reason",
    "refuse_chance",
    "require_access",
    "require_answers",
    "snapshot",
    "try_each",
    "turn_end_id",
    "warn_unless_pinned",
    "write_benchmark",
    "write_comparisons",
    "write_data_card",
]

# Where each is: __init__.pyi. Loaded when first used.
__getattr__, __dir__, _ = lazy_loader.attach_stub(__name__, __file__)
