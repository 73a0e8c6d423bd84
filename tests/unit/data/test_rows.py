"""Columns under other names."""

import pytest

from asft.data.rows import renamed
from asft.errors import UserError

ROWS = [{"instruction": "a", "chosen": "b"}, {"instruction": "c", "chosen": "d", "x": 1}]


def test_columns_are_renamed():
    found = renamed(ROWS, {"instruction": "prompt"}, "columns")
    assert next(iter(found)) == {"prompt": "a", "chosen": "b"}
    assert next(iter(found)) == {"prompt": "a", "chosen": "b"}  # from the first one again
    assert renamed(ROWS, {}, "columns") is ROWS
    swapped = renamed(ROWS, {"instruction": "chosen", "chosen": "instruction"}, "columns")
    assert next(iter(swapped)) == {"chosen": "a", "instruction": "b"}


def test_names_that_are_not_there_or_taken():
    with pytest.raises(UserError, match=r"no row has the column 'instructions'.*instruction"):
        renamed(ROWS, {"instructions": "prompt"}, "datasets.toy.columns")
    with pytest.raises(
        UserError, match=r"'prompt'.*the file's name first: \{instruction: prompt\}"
    ):
        renamed(ROWS, {"prompt": "instruction"}, "datasets.toy.columns")
    with pytest.raises(UserError, match=r"toy\.columns: there is a column 'chosen' already"):
        renamed(ROWS, {"instruction": "chosen"}, "datasets.toy.columns")
