"""What the tokens of a server's model cost: by the config, or by the dated table beside this file.

A row of the table is a model at the server of its maker; its date is that of its source or, where
this names none, of the day when it was looked up.
"""

import csv
from decimal import Decimal
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field

from asft.config.fields import Section

TABLE = Path(__file__).with_name("prices-2026-11.csv")


class Prices(Section):
    """Prices of a model's tokens, in USD per million."""

    input: float = Field(ge=0, description="Price in USD of a million tokens that the model reads.")
    output: float = Field(
        ge=0,
        description="Price in USD of a million tokens that the model writes, thinking included.",
    )

    def cost(self, input_tokens: float, output_tokens: float) -> float:
        """Return the cost of tokens in USD."""
        return (input_tokens * self.input + output_tokens * self.output) / 1e6


class Spending(Section):
    """The part of a judge's row that no verdict depends on: what it costs, and may cost."""

    prices: Prices | None = Field(
        None,
        exclude_if=lambda prices: prices is None,
        description="Prices of the judge's tokens, which stand before those that are known of its "
        "model at its server; null takes these.",
    )
    max_cost: float | None = Field(
        None,
        gt=0,
        exclude_if=lambda cost: cost is None,
        description="Largest cost in USD of all answers of this model at this server that the "
        "store holds together, whatever job asked for them: before it is passed the job stops, all "
        "answers are kept, and a rerun with a larger one goes on. null sets no limit.",
    )


def known_prices(model: str, base_url: str) -> Prices | None:
    """Return the prices of a model by its exact name at a server; None where they are unknown.

    Another server may give the same name to anything, so the URL's host counts too.
    """
    return _table().get((urlsplit(base_url).hostname or "", model))


def usd(amount: float) -> str:
    """Return an amount of money with cents, or with two digits where it is less than one."""
    return f"{amount:,.2f}" if amount >= 1 else f"{Decimal(f'{amount:.2g}'):f}"


@cache
def _table() -> dict[tuple[str, str], Prices]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {
            (row["server"], row["model"]): Prices(
                input=float(row["input"]), output=float(row["output"])
            )
            for row in csv.DictReader(file)
        }
