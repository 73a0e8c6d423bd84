"""Tables 1 to 3 as CSV, Markdown and LaTeX, beside the paper's numbers."""

import lazy_loader

__all__ = [
    "FAMILIES",
    "TABLE3",
    "TRIAL_NUMBERS",
    "Column",
    "JudgedColumn",
    "MetricColumn",
    "Names",
    "Panel",
    "ScoreFile",
    "Scored",
    "ability_digits",
    "choose_settings",
    "columns_at_end",
    "estimate_columns",
    "explain_dropped",
    "explain_verdict",
    "family_columns",
    "halve_trials",
    "headlines",
    "how_asked",
    "join_table2",
    "join_table3",
    "make_search_table",
    "make_table1",
    "make_table2",
    "make_table3",
    "make_table4",
    "moves",
    "names_of",
    "p_text",
    "print_power",
    "rebuild_preferences",
    "rebuild_scores",
    "score_files",
    "shown_paper_columns",
    "signed",
    "tabulate_table1",
    "tabulate_table2",
    "tabulate_table3",
]

# Where each is: __init__.pyi. Loaded when first used.
__getattr__, __dir__, _ = lazy_loader.attach_stub(__name__, __file__)
