"""The pages of the report, their data, and the card of each policy."""

import lazy_loader

__all__ = [
    "Origin",
    "card_of_run",
    "compare_results",
    "make_model_card",
    "make_report",
    "write_model_card",
    "write_report",
]

# Where each is: __init__.pyi. Loaded when first used.
__getattr__, __dir__, _ = lazy_loader.attach_stub(__name__, __file__)
