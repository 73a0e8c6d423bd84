"""What a judge's tokens cost."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from asft.config import Judge, usd

if TYPE_CHECKING:  # which loads a client of servers
    from asft.generation import Outcome, Reply


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


class Spent:
    """What a job has sent to a judge's server so far, and what that took; not what the store had.

    An attempt without an answer may cost as well, of which no server says what.
    """

    def __init__(self, judge: Judge) -> None:
        """Begin with nothing."""
        self._judge = judge
        self._sent = self._read = self._written = self._uncounted = 0

    def add(self, outcome: "Outcome") -> None:
        """Add the outcome of a call."""
        self._sent += outcome.attempts
        if not (outcome.answer and outcome.attempts):
            return
        if outcome.answer.tokens is None:
            self._uncounted += 1
            return
        read, written = outcome.answer.tokens
        self._read, self._written = self._read + read, self._written + written

    def facts(self) -> dict[str, Any]:
        """Return what `asft watch` shows; `usd` is None where the prices are unknown."""
        return {
            "sent": self._sent,
            "judge_tokens": self._read + self._written,
            "uncounted": self._uncounted,
            "usd": judge_cost(self._judge, self._read, self._written),
        }
