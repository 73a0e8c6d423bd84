"""What a run would meet here: machine, keys, servers, model, and a real pair's tokens."""

import lazy_loader

__all__ = [
    "Examination",
    "Row",
    "ShownPair",
    "examine",
    "page_of",
    "print_examination",
]

# Where each is: __init__.pyi. Loaded when first used.
__getattr__, __dir__, _ = lazy_loader.attach_stub(__name__, __file__)
