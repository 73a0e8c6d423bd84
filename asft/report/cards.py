"""Cards of data sets and benchmarks: what came in, what was dropped and why."""

from pathlib import Path
from typing import Any, NamedTuple

from asft.config import Config, asked_benchmarks, trained_on
from asft.files import read_json
from asft.report.cells import share
from asft.report.overview import Facts


class Card(NamedTuple):
    """The facts about one data set or benchmark."""

    title: str
    file: str  # the copy of card.json that they stand in
    facts: Facts


def data(results: Path, config: Config) -> list[Card]:
    """Return the cards of training data: what was kept, what was dropped and why.

    Each also tells what the test set shares with the data.
    """
    cards = []
    for name in trained_on(config):
        card = read_json(results / "data" / name / "card.json")
        kept, overlap = card["kept"], card["overlap"]["any_turn"]
        lengths = {part: quantiles["50"] for part, quantiles in card["lengths"].items()}
        cards.append(
            Card(
                name,
                f"files/data/{name}/card.json",
                [
                    ("Rows in", f"{card['rows']:,}"),
                    ("Kept", f"{kept['train']:,} to train on, {kept['heldout']:,} held out"),
                    ("Dropped", _dropped(card)),
                    ("Cut", f"{card['truncated_chosen'] + card['truncated_rejected']} completions"),
                    ("Median tokens", ", ".join(f"{k} {v}" for k, v in lengths.items())),
                    ("Chosen is longer", share(str(card["chosen_longer_share"]))),
                    (
                        "Test questions found in it",
                        f"{overlap['exact']['questions']} word for word,"
                        f" {overlap['ngram13']['questions']} by 13-grams,"
                        f" of {card['overlap']['questions']}",
                    ),
                    ("Fingerprint", card["fingerprint"][:16]),
                ],
            )
        )
    return cards


def benchmarks(results: Path, config: Config) -> list[Card]:
    """Return the cards of benchmarks: how many questions came, how many were asked."""
    cards = []
    for asked in asked_benchmarks(config):
        card = read_json(results / "benchmarks" / asked.benchmark / "card.json")
        found = [
            ("Questions in", f"{card['rows']:,}"),
            ("Dropped", _dropped(card)),
            ("Asked", f"{card['asked']:,} of {card['kept']:,}"),
            ("Scored by", ", ".join(asked.judges) or "reference metrics"),
        ]
        link = f"files/benchmarks/{asked.benchmark}/card.json"
        cards.append(Card(asked.benchmark, link, found))
    return cards


def _dropped(card: dict[str, Any]) -> str:
    reasons = ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in card["dropped"].items())
    return reasons or "none"
