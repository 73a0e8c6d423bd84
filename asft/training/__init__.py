"""Training: packed pairs, attention, the trainer, checkpoints, cost; the reference's scores."""

import lazy_loader

__all__ = [
    "PairTrainer",
    "load_trainable",
    "measure_training_cost",
    "read_settings",
    "score_completions",
    "score_reference",
    "train_policy",
    "usable_memory",
    "write_settings",
]

# Where each is: __init__.pyi. Loaded when first used.
__getattr__, __dir__, _ = lazy_loader.attach_stub(__name__, __file__)
