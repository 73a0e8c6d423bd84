"""Abilities: tasks of lm-evaluation-harness, put to a policy by its own library."""

import lazy_loader

__all__ = ["evaluate_abilities"]

# Where each is: __init__.pyi. Loaded when first used.
__getattr__, __dir__, _ = lazy_loader.attach_stub(__name__, __file__)
