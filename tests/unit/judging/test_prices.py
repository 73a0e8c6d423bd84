"""What a judge's tokens cost: money, none, or nobody knows."""

from asft.config import Judge
from asft.judging.prices import judge_cost


def test_cost_of_tokens():
    gpt4 = Judge(backend="openai", model="gpt-4-0613")  # 30 and 60 USD a million
    assert judge_cost(gpt4, 10_000, 2_000) == 0.3 + 0.12
    assert judge_cost(gpt4.model_copy(update={"model": "unheard-of"}), 10_000, 2_000) is None
    assert judge_cost(Judge(backend="local", model="mine"), 10_000, 2_000) == "local"
    assert judge_cost(Judge(backend="reward_model", model="mine"), 10_000, 2_000) == "local"
