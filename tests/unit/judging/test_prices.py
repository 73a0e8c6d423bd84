"""What a judge's tokens cost: money, none, or nobody knows."""

from asft.config import Judge
from asft.generation import Reply
from asft.judging.prices import judge_cost, taken


def test_cost_of_tokens():
    gpt4 = Judge(backend="openai", model="gpt-4-0613")  # 30 and 60 USD a million
    assert judge_cost(gpt4, 10_000, 2_000) == 0.3 + 0.12
    assert judge_cost(gpt4.model_copy(update={"model": "unheard-of"}), 10_000, 2_000) is None
    assert judge_cost(Judge(backend="local", model="mine"), 10_000, 2_000) == "local"
    assert judge_cost(Judge(backend="reward_model", model="mine"), 10_000, 2_000) == "local"


def test_what_answers_took_leaves_out_what_nobody_counted():
    answers = [
        Reply("[[7]]", "stop", "judge", read, written, "", "2026-11-30")
        for read, written in ((10_000, 2_000), (2_000, 500), (None, 500), (10, None))
    ]
    gpt4 = Judge(backend="openai", model="gpt-4-0613")
    words = "2 answers took 12,000 + 2,500 tokens"
    assert taken(gpt4, answers[:2]) == f"{words}, 0.51 USD"  # 12 · 0.03 + 2.5 · 0.06
    unknown = gpt4.model_copy(update={"model": "unheard-of"})
    rest = "and of 2 more nobody counted them"
    assert taken(unknown, answers) == f"{words}, cost unknown, {rest}"
