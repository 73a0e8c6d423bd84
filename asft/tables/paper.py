"""The numbers that the paper published (arXiv 2409.10571), for printing beside ours.

All are of Meta-Llama-3-8B-Instruct; nothing here enters a computation.
"""

from collections.abc import Collection

# Table 3: BLEU-4, ROUGE-1, ROUGE-2, ROUGE-L on alpaca_en, 0-100, by (dataset, method).
TABLE3_METRICS = ("bleu4", "rouge1", "rouge2", "rougeL")
TABLE3 = {
    ("hh_rlhf", "sft"): (23.7, 32.70, 13.51, 14.56),
    ("hh_rlhf", "orpo"): (35.91, 41.42, 20.50, 27.84),
    ("hh_rlhf", "asft"): (37.70, 43.71, 22.42, 30.09),
    ("ultrafeedback", "sft"): (25.62, 36.28, 15.66, 16.73),
    ("ultrafeedback", "orpo"): (40.96, 44.13, 23.85, 33.56),
    ("ultrafeedback", "asft"): (42.43, 46.60, 25.38, 34.98),
}
# Table 2: Arena-Hard win rate (%), MT-Bench judged by GPT-4 Turbo and by GPT-4, by our row. The
# paper's "SFT" row is the off-the-shelf model, our `base`.
TABLE2_COLUMNS = ("arena_hard", "mt_bench_gpt4_turbo", "mt_bench_gpt4")
TABLE2_LABELS = dict(zip(TABLE2_COLUMNS, ("Arena-Hard", "GPT-4 Turbo", "GPT-4"), strict=True))
TABLE2 = {
    "base": (21.9, 6.83, 7.92),
    "dpo": (31.8, 7.08, 8.03),
    "ipo": (29.6, 6.95, 7.95),
    "orpo": (28.4, 7.02, 8.01),
    "asft": (32.5, 7.05, 8.05),
}
# The judges' names at the API, as far as they can be known (docs/reproducing.md), and the column
# of Table 2 that each made.
TABLE2_JUDGES = {
    ("arena_hard", "gpt-4-1106-preview"): "arena_hard",
    ("mt_bench", "gpt-4-1106-preview"): "mt_bench_gpt4_turbo",
    ("mt_bench", "gpt-4"): "mt_bench_gpt4",
    ("mt_bench", "gpt-4-0613"): "mt_bench_gpt4",
}
# Table 1: number of examples, baseline model, judge model.
TABLE1 = {
    "arena_hard": (500, "GPT-4-0314", "GPT-4 Turbo"),
    "mt_bench": (80, "", "GPT-4/GPT-4 Turbo"),
}
SAME = "as far as is known, the paper's judge"
OTHER = "not the paper's judge: not comparable to the paper's values"


def paper_columns(benchmark: str, models: Collection[str]) -> list[str]:
    """List the column of the paper's Table 2 that these models judged: one, or none."""
    judged = {TABLE2_JUDGES.get((benchmark, name)) for name in models}
    return [name for name in judged if name] if len(judged) == 1 else []


def all_paper_columns(benchmark: str) -> list[str]:
    """List the columns of the paper's Table 2 on a benchmark, whoever judged."""
    named = [column for (name, _), column in TABLE2_JUDGES.items() if name == benchmark]
    return list(dict.fromkeys(named))


def shown_paper_columns(benchmark: str, models: Collection[str]) -> list[str]:
    """List the paper's column by a judge who judged here too, else all on the benchmark."""
    return paper_columns(benchmark, models) or all_paper_columns(benchmark)


def judge_note(benchmark: str, models: Collection[str]) -> str:
    """Return the note beside a judge's name that says if it is the paper's judge."""
    return SAME if paper_columns(benchmark, models) else OTHER
