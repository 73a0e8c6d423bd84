"""Figures 1 to 3 and the pictures of training and tables: pdf, png, and the numbers as CSV."""

import lazy_loader

__all__ = [
    "About",
    "HistoryFile",
    "ScoreFile",
    "colour_of",
    "plot_case",
    "plot_cost",
    "plot_curves",
    "plot_differences",
    "plot_length",
    "plot_losses",
    "plot_margins",
    "plot_mt_bench",
]

# Where each is: __init__.pyi. Loaded when first used.
__getattr__, __dir__, _ = lazy_loader.attach_stub(__name__, __file__)
