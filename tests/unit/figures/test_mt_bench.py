"""Ratings of MT-Bench by category."""

import pandas as pd
import pytest
from figure_inputs import ABOUT, SETTINGS

from asft.figures.mt_bench import plot_mt_bench


def test_mt_bench_by_category(judged, tmp_path):
    table2, files = judged
    plot_mt_bench(files, table2, SETTINGS, ABOUT, tmp_path / "figure_mt_bench.pdf")
    table = pd.read_csv(tmp_path / "figure_mt_bench.csv")
    assert list(table["method"].unique()) == ["base", "dpo"]  # asft: too few ratings, refused
    means = table[table["kind"] == "mean"].set_index(["method", "category"])
    overall = pd.read_csv(table2).set_index("method")["mt_bench_gpt"]
    assert means.loc[("dpo", "all questions"), "rating"] == pytest.approx(overall["dpo"], abs=1e-4)
    assert means.loc[("dpo", "math"), ["low", "high"]].notna().all()
    assert means.loc[("dpo", "stem"), ["low", "high"]].isna().all()  # 2 questions: no interval
    single = table[(table["kind"] == "question") & (table["method"] == "dpo")]
    assert len(single) == 8
    stem = single[single["category"] == "stem"]["rating"].mean()
    assert means.loc[("dpo", "stem"), "rating"] == pytest.approx(stem, abs=1e-4)
