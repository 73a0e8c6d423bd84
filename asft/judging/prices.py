"""What a judge's tokens cost."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from asft.config import Judge, usd

if TYPE_CHECKING:  # which loads a client of servers
    from asft.generation import Reply


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


def taken(judge: Judge, answers: "Sequence[Reply]") -> str:
    """Say what answers of a server's judge took: tokens, and USD where its prices are known."""
    counted = [answer.tokens for answer in answers if answer.tokens]
    read, written = sum(tokens[0] for tokens in counted), sum(tokens[1] for tokens in counted)
    cost = judge_cost(judge, read, written)
    money = f"{usd(cost)} USD" if isinstance(cost, float) else "cost unknown"
    more = f", and of {len(answers) - len(counted)} more nobody counted them"
    return f"{len(counted)} answers took {read:,} + {written:,} tokens, {money}" + (
        more if len(counted) < len(answers) else ""
    )
