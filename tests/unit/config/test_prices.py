"""Prices of servers' models: the dated table, and which of two prices stands."""

import csv
import re

import pytest

from asft.config.judges import Judge
from asft.config.prices import TABLE, known_prices

OPENAI = "https://api.openai.com/v1"


def test_each_row_of_the_table_says_where_it_is_from_and_of_when():
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        assert row["source"].startswith("https://")
        assert re.fullmatch(r"20\d\d-\d\d(-\d\d)?", row["date"])
        assert 0 < float(row["input"]) < float(row["output"])
    names = [(row["server"], row["model"]) for row in rows]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("model", "url"),
    [("gpt-4-turbo-2031", OPENAI), ("gpt-4", "http://localhost:8000/v1"), ("gpt-4", "http://")],
)
def test_what_is_not_in_the_table_is_unknown(model, url):
    assert known_prices("gpt-4", OPENAI) is not None
    assert known_prices(model, url) is None


def test_a_row_of_the_config_stands_before_the_table():
    judge = Judge(backend="openai", model="gpt-4", prices={"input": 1, "output": 2})
    assert judge.known_prices().cost(3_000_000, 500_000) == 4
    free = Judge(backend="openai", model="gpt-4", prices={"input": 0, "output": 0})
    assert free.known_prices().cost(3_000_000, 500_000) == 0


def test_a_row_without_prices_is_written_as_before():
    assert "prices" not in Judge(backend="openai", model="gpt-4").model_dump_json()
