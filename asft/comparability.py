"""Whether a judge is the paper's, as far as those can be known (`paper.TABLE2_JUDGES`)."""

from collections.abc import Collection

from asft import paper

SAME = "as far as is known, the paper's judge"
OTHER = "not the paper's judge: not comparable to the paper's values"


def paper_columns(benchmark: str, models: Collection[str]) -> list[str]:
    """The column of the paper's Table 2 that these models judged: one, or none."""
    judged = {paper.TABLE2_JUDGES.get((benchmark, name)) for name in models}
    return [name for name in judged if name] if len(judged) == 1 else []


def all_paper_columns(benchmark: str) -> list[str]:
    """The columns of the paper's Table 2 on a benchmark, whoever judged."""
    named = [column for (name, _), column in paper.TABLE2_JUDGES.items() if name == benchmark]
    return list(dict.fromkeys(named))


def shown_paper_columns(benchmark: str, models: Collection[str]) -> list[str]:
    """The paper's own column where its judge judged here too, else all it has on the benchmark."""
    return paper_columns(benchmark, models) or all_paper_columns(benchmark)


def judge_note(benchmark: str, models: Collection[str]) -> str:
    """What stands beside the name of a judge wherever its numbers do."""
    return SAME if paper_columns(benchmark, models) else OTHER
