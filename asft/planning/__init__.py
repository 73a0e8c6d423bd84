"""What an experiment will take before it runs: jobs, hours, memory, disk, judges' tokens."""

import lazy_loader

__all__ = [
    "Job",
    "JudgeLine",
    "Line",
    "PairTokens",
    "Schedule",
    "plan_jobs",
    "plan_text",
    "read_jobs",
    "training_bytes",
    "training_operations",
    "write_plan",
]

# Where each is: __init__.pyi. Loaded when first used.
__getattr__, __dir__, _ = lazy_loader.attach_stub(__name__, __file__)
