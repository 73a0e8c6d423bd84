"""Figures of judged answers show the cells of Table 2, and none that it refuses."""

import numpy as np
import pandas as pd
import pytest
from figure_inputs import ABOUT, SETTINGS

from asft.errors import UserError
from asft.figures.length import plot_length
from asft.figures.mt_bench import plot_mt_bench


def test_a_table_of_another_experiment_is_refused(judged, tmp_path):
    table2, files = judged
    other = tmp_path / "table2.csv"
    pd.read_csv(table2).query("method != 'dpo'").to_csv(other, index=False)
    with pytest.raises(UserError, match=r"table2.csv: no cell 'dpo'"):
        plot_mt_bench(files, other, SETTINGS, ABOUT, tmp_path / "f.pdf")
    with pytest.raises(UserError, match="no such file"):
        plot_length(files, tmp_path / "none.csv", SETTINGS, ABOUT, tmp_path / "f.pdf")


def test_all_refused_is_a_sentence(judged, tmp_path):
    table2, files = judged
    empty = pd.read_csv(table2)
    empty[["mt_bench_gpt", "arena_hard_win_rate"]] = np.nan
    empty.to_csv(tmp_path / "table2.csv", index=False)
    plot_mt_bench(files, tmp_path / "table2.csv", SETTINGS, ABOUT, tmp_path / "a.pdf")
    plot_length(files, tmp_path / "table2.csv", SETTINGS, ABOUT, tmp_path / "b.pdf")
    assert pd.read_csv(tmp_path / "a.csv").empty
    assert pd.read_csv(tmp_path / "b.csv").empty
