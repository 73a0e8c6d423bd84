"""The names by which transformers knows our attention over packed pairs."""

from typing import Any

PAIR_ATTENTION = "asft_pairs"
FLEX_ATTENTION = "asft_flex"
FLASH_ATTENTION = "asft_varlen"  # with "flash" in its name transformers would want a package
OURS = (PAIR_ATTENTION, FLEX_ATTENTION, FLASH_ATTENTION)


def attends_to_pairs(model: Any) -> bool:
    """Whether a model was loaded with one of ours, however it is wrapped since."""
    while not hasattr(model, "config"):  # of several processes, DistributedDataParallel
        model = model.module
    return model.config._attn_implementation in OURS
