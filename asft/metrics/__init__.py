"""Numbers and their intervals: BLEU, ROUGE, Arena-Hard, MT-Bench, style control. No torch."""

import lazy_loader

__all__ = [
    "FEATURES",
    "METRICS",
    "Content",
    "Difference",
    "Games",
    "Interval",
    "Judged",
    "Metric",
    "Ratings",
    "Scores",
    "Values",
    "aggregate_verdicts",
    "by_category",
    "by_turn",
    "check_comparable",
    "compare_scores",
    "controlled_win_rates",
    "evaluate_metric",
    "first_position_rate",
    "from_verdicts",
    "interval",
    "mean",
    "mean_rating",
    "measured",
    "official_intervals",
    "outcome",
    "outcomes_per_question",
    "paired_difference",
    "pool",
    "rating_difference",
    "rating_interval",
    "ratings_per_question",
    "read_scores",
    "read_verdict_scores",
    "score_answers",
    "score_questions",
    "score_texts",
    "swap_consistency",
    "win_rate_difference",
    "win_rate_interval",
]

# Where each is: __init__.pyi. Loaded when first used.
__getattr__, __dir__, _ = lazy_loader.attach_stub(__name__, __file__)
