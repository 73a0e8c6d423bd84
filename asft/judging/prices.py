"""What a judge's tokens cost."""

from typing import Literal

from asft.config import Judge


def judge_cost(
    judge: Judge, input_tokens: float, output_tokens: float
) -> float | Literal["local"] | None:
    """Return what tokens cost in USD at a judge: by its own prices, else by the dated table.

    Args:
        input_tokens: of all messages that it is sent
        output_tokens: of all that it writes, its thinking included

    Returns:
        "local" for a judge that runs on this machine, which costs no money; None where the prices
        are unknown, which is another thing than 0.
    """
    if judge.backend != "openai":
        return "local"
    prices = judge.known_prices()
    return prices.cost(input_tokens, output_tokens) if prices else None
