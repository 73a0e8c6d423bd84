"""Prices of servers' models: the dated table, and which of two prices stands."""

import csv
import re

import pytest
from default_config import DEFAULT, merged

from asft.config.judges import Judge
from asft.config.loading import load
from asft.config.prices import TABLE, known_prices, usd
from asft.errors import UserError

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


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"model": "mine"}, r"judges.other: max_cost: needs the prices of 'mine' at https://api"),
        ({"backend": "local", "model": "mine"}, "judges.other: max_cost: a local judge costs no"),
        ({"model": "gpt-4", "max_cost": 0}, "judges.other.max_cost: .*greater than 0"),
        ({"model": "gpt-4", "prices": {"input": 1}}, "judges.other.prices.output: Field required"),
    ],
)
def test_a_limit_that_cannot_be_kept_is_refused_before_anything_runs(row, words):
    judge = {"backend": "openai", "max_cost": 2.5, **row}
    with pytest.raises(UserError, match=words):
        load(merged(DEFAULT, {"judges": {"other": judge}}))


def test_what_a_judge_may_cost_comes_apart_from_what_verdicts_depend_on():
    judge = Judge(backend="openai", model="mine")
    assert judge.with_spending(None) == judge
    given = judge.with_spending('{"prices": {"input": 1, "output": 2}, "max_cost": 3}')
    assert (given.max_cost, given.prices.output) == (3, 2)
    assert given.with_spending('{"max_cost": 4}').prices == given.prices


def test_money_is_shown_with_cents_or_two_digits():
    shown = ["1,234.50", "1.00", "0.12", "0.000046", "0"]
    assert [usd(amount) for amount in (1234.5, 1, 0.123, 0.000046, 0)] == shown
