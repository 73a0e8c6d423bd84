"""Blocks of columns: protocols whose score has one name share its headline."""

from asft.config.protocols import PROTOCOLS, judged_protocols
from asft.tables.table2_columns import WIN_RATE, block_of, headlines


def test_win_rates_have_one_headline():
    """`headlines` finds it by its key, whichever protocol a table has."""
    pairwise = [name for name in judged_protocols() if PROTOCOLS[name].pairwise]
    assert len(pairwise) == 3
    assert all(block_of(name).headline == WIN_RATE.headline for name in pairwise)
    assert headlines()["win_rate"].unit == "percentage points"


def test_a_preference_has_no_columns_of_games_with_labels():
    assert [column.key for column in block_of("alpaca_eval").columns] == ["avg_tokens"]
