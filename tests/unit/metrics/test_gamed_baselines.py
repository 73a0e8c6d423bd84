"""The file of gamed baselines: read as upstream reads it, refused where it is another."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from alpaca_annotations import difficulties, gamed_rows, write_gamed

from asft.errors import UserError
from asft.metrics.gamed_baselines import read_gamed


def test_rows_and_difficulties(tmp_path: Path):
    rows = gamed_rows(3)
    rows[4]["preference"] = ""
    found, difficulty = read_gamed(write_gamed(tmp_path / "df_gamed.csv", rows))
    assert difficulty.tolist() == difficulties(3)
    assert found.difficulty.tolist() == difficulties(3) * 2
    assert found.length_difference.tolist() == [row["std_delta_len"] for row in rows]
    assert np.flatnonzero(np.isnan(found.preference)).tolist() == [4]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"std_delta_len": ""}, "row 1, column 'std_delta_len': expected a number, found ''"),
        ({"index": "x"}, "row 1, column 'index': expected a number, found 'x'"),
        ({"preference": 1.5}, "row 1, column 'preference': 1.5, not 0 to 1"),
        ({"index": 7}, "column 'index' does not count from 0 without a gap"),
    ],
)
def test_what_is_refused(tmp_path: Path, change: dict[str, Any], message: str):
    rows = gamed_rows(3)
    rows[0] |= change
    with pytest.raises(UserError, match=message):
        read_gamed(write_gamed(tmp_path / "df_gamed.csv", rows))


def test_no_such_file(tmp_path: Path):
    with pytest.raises(UserError, match="no such file"):
        read_gamed(tmp_path / "df_gamed.csv")


@pytest.mark.parametrize("text", ["", "index,instruction_difficulty\n0,1.5\n"])
def test_another_file(tmp_path: Path, text: str):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(UserError, match="no column 'preference'; is this alpaca_eval's df_gamed"):
        read_gamed(tmp_path / "x.csv")


def test_no_text(tmp_path: Path):
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="not a CSV file"):
        read_gamed(tmp_path / "x.csv")
