"""Figures 1 to 3 and the pictures of training and tables: pdf, png, and the numbers as CSV."""

import lazy_loader

__all__ = [
    "About",
    "HistoryFile",
    "colour_of",
    "make_figure1",
    "make_figure2a",
    "make_figure2b",
    "make_figure3",
    "make_figure_calibration",
    "make_figure_differences",
    "make_figure_length",
    "make_figure_mt_bench",
    "make_figure_ranks",
    "make_figure_refusals",
    "make_figure_search",
    "make_figure_training",
    "plot_calibration",
    "plot_case",
    "plot_cost",
    "plot_curves",
    "plot_differences",
    "plot_length",
    "plot_margins",
    "plot_mt_bench",
    "plot_ranks",
    "plot_refusals",
    "read_history",
]

# Where each is: __init__.pyi. Loaded when first used.
__getattr__, __dir__, _ = lazy_loader.attach_stub(__name__, __file__)
