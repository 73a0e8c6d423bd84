"""Tables 1 to 3 as CSV, Markdown and LaTeX, beside the paper's numbers."""

import lazy_loader

__all__ = [
    "FAMILIES",
    "LABELS",
    "Column",
    "ScoreFile",
    "explain_verdict",
    "make_table1",
    "make_table2",
    "make_table3",
    "p_text",
    "rebuild_scores",
    "shown_paper_columns",
]

# Where each is: __init__.pyi. Loaded when first used.
__getattr__, __dir__, _ = lazy_loader.attach_stub(__name__, __file__)
