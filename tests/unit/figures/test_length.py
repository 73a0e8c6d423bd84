"""Scores against the length of answers."""

import numpy as np
import pandas as pd
import pytest
from figure_inputs import ABOUT, SETTINGS

from asft.figures.length import plot_length


def test_score_against_length(judged, tmp_path):
    table2, files = judged
    plot_length(files, table2, SETTINGS, ABOUT, tmp_path / "figure_length.pdf")
    table = pd.read_csv(tmp_path / "figure_length.csv")
    means = table[table["kind"] == "method"].set_index(["benchmark", "method"])
    assert set(means.index) == {
        *(("arena_hard", method) for method in ("base", "dpo", "asft")),
        *(("mt_bench", method) for method in ("base", "dpo")),
    }
    rows = pd.read_csv(table2).set_index("method")
    row = means.loc[("arena_hard", "asft")]
    assert row["score"] == pytest.approx(rows.loc["asft", "arena_hard_win_rate"], abs=1e-3)
    assert row["tokens"] == pytest.approx(rows.loc["asft", "avg_tokens"], abs=1e-3)
    single = table[(table["kind"] == "question") & (table["method"] == "dpo")]
    for benchmark, points in single.groupby("benchmark"):
        assert len(points) == 8
        mean = means.loc[(benchmark, "dpo"), "tokens"]
        assert points["tokens"].mean() == pytest.approx(mean, abs=1e-3)


def test_the_token_limit_is_that_of_answers_cut_in_all_turns(judged, tmp_path):
    table2, files = judged
    changed = []
    for number, file in enumerate(files):
        rows = pd.read_csv(file.path).assign(truncated=0)
        turns = 1 if file.benchmark == "arena_hard" else 2
        if file.method == "dpo":
            rows.loc[0, ["tokens", "truncated"]] = 64 * turns, turns
            rows.loc[1, ["tokens", "truncated"]] = 500, turns - 1
        path = tmp_path / f"{number}.csv"
        rows.to_csv(path, index=False)
        changed.append(file._replace(path=path))
    plot_length(changed, table2, SETTINGS, ABOUT, tmp_path / "figure_length.pdf")
    limits = pd.read_csv(tmp_path / "figure_length.csv").groupby("method")["limit"].unique()
    assert limits["dpo"].tolist() == [64]
    assert np.isnan(limits["base"]).all()
