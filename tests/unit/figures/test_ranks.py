"""Ranks of methods, by hand, and the figure of them."""

import pandas as pd
import pytest
from figure_inputs import ABOUT

from asft.errors import UserError
from asft.figures.ranks import plot_ranks

HEAD = "model,dataset,method_a,method_b,metric,difference,low,high,p_value,verdict,n,seeds\n"
# sft < dpo for certain; asft somewhere between; of equal ones both share a place.
ROWS = """\
small,hh_rlhf,sft,dpo,bleu4,-3,-4,-2,0.01,worse,44,1
small,hh_rlhf,sft,asft,bleu4,-1,-3,1,0.4,not separable,44,1
small,hh_rlhf,dpo,asft,bleu4,2,-1,4,0.2,not separable,44,1
large,hh_rlhf,sft,dpo,bleu4,0,-1,1,1,not separable,44,1
large,hh_rlhf,sft,asft,bleu4,5,4,6,0.001,better,44,1
large,hh_rlhf,dpo,asft,bleu4,5,4,6,0.001,better,44,1
"""
SIZES = {"small": 0.1, "large": 1.5}


def file(folder, text):
    path = folder / "table3.differences.csv"
    path.write_text(text)
    return path


def test_ranks_by_hand(tmp_path):
    plot_ranks(None, file(tmp_path, HEAD + ROWS), SIZES, 0.95, ABOUT, tmp_path / "ranks.pdf")
    table = pd.read_csv(tmp_path / "ranks.csv", dtype={"low": float, "high": float})
    found = {(row.model, row.method): (row.rank, row.low, row.high) for row in table.itertuples()}
    assert found == {
        ("small", "dpo"): (1, 1, 2),
        ("small", "asft"): (2, 1, 3),
        ("small", "sft"): (3, 2, 3),
        ("large", "sft"): (1.5, 1, 2),
        ("large", "dpo"): (1.5, 1, 2),
        ("large", "asft"): (3, 3, 3),
    }
    assert list(table["billion_parameters"]) == [0.1] * 3 + [1.5] * 3
    assert (tmp_path / "ranks.png").stat().st_size > 5000


def test_nothing_to_compare(tmp_path):
    plot_ranks(None, file(tmp_path, HEAD), SIZES, 0.95, ABOUT, tmp_path / "ranks.pdf")
    assert (tmp_path / "ranks.pdf").exists()


def test_differences_of_one_model_are_refused(tmp_path):
    lines = [line.split(",", 1)[1] for line in (HEAD + ROWS).splitlines()]
    with pytest.raises(UserError, match="no column 'model'"):
        plot_ranks(None, file(tmp_path, "\n".join(lines)), SIZES, 0.95, ABOUT, tmp_path / "x.pdf")
