"""Differences on the front page: against a baseline, a row a method, whatever their number."""

import csv
from itertools import combinations, product
from pathlib import Path

import pytest
from report_results import small

from asft.config import Config
from asft.report import differences
from asft.report.matrix import matrices

METHODS = ["sft", "asft", "orpo", "dpo"]
NUMBERS = {"low": -1.0, "high": 1.0, "p_value": 0.5, "n": 6, "seeds": 1}
CONFIG = Config.model_validate(small())


def write(path: Path, about: list[dict[str, str]], methods: list[str]) -> None:
    """Every pair of methods: the first has "better" by a number too small to be shown."""
    rows = [
        {
            **where,
            **{"method_a": first, "method_b": second, **NUMBERS},
            **{"difference": -0.0004, "verdict": "better" if first == "sft" else "worse"},
        }
        for where, (first, second) in product(about, combinations(methods, 2))
    ]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize(
    ("methods", "baseline"),
    [(["base", *METHODS], "base"), (METHODS, "sft"), ([*METHODS, "base"], "base")],
)
def test_table_3_shows_pairs_with_the_baseline(tmp_path: Path, methods: list[str], baseline: str):
    metrics = [{"dataset": "hh_rlhf", "metric": name} for name in ("rouge1", "lf_rougeL")]
    write(tmp_path / "table3.differences.csv", metrics, methods)
    table = differences.table3(tmp_path, CONFIG)
    assert len(table.rows) == 2 * (len(methods) - 1)
    assert all(baseline in row[1].text.split(" − ") for row in table.rows)
    assert table.files == ("table3.differences.csv",)
    pairs = len(methods) * (len(methods) - 1)  # of two metrics
    assert table.remark.startswith(f"Pairs with {baseline}. All {pairs}, in the file below: ")
    assert {row[3].text for row in table.rows} == {"0.00"}


def test_table_2_has_a_baseline_per_benchmark_and_judge(tmp_path: Path):
    about = [{"benchmark": "mt_bench", "judge": "local", "metric": "rating"}]
    write(tmp_path / "table2.differences.csv", about, ["sft", "asft", "base"])
    table = differences.table2(tmp_path, CONFIG)
    assert [row[1].text for row in table.rows] == ["sft − base", "asft − base"]


def test_every_pair_stands_in_a_matrix_twice(tmp_path: Path):
    metrics = [{"dataset": "hh_rlhf", "metric": name} for name in ("rouge1", "lf_rougeL")]
    write(tmp_path / "table3.differences.csv", metrics, ["sft", "asft", "orpo"])
    about = [{"benchmark": "mt_bench", "judge": "local", "metric": "rating"}]
    write(tmp_path / "table2.differences.csv", about, ["sft", "asft"])
    number = {"dataset": "uf", "task": "gsm8k", "filter": "none", "unit": "per cent"}
    about = [number | {"metric": "exact_match", "benchmark": "abilities"}]
    write(tmp_path / "table4.differences.csv", about, ["base", "sft"])
    judged, rouge, _, ability = matrices(tmp_path, CONFIG)
    assert ability.title == "uf: gsm8k exact_match"
    assert judged.title == "mt_bench, local: rating (rating)"
    assert rouge.title.startswith("hh_rlhf: ROUGE-1")
    assert [cell.text for cell in rouge.head[1:]] == ["sft", "asft", "orpo"]
    words = [[cell.below for cell in row[1:]] for row in rouge.rows]
    assert words == [["", "better", "better"], ["worse", "", "worse"], ["worse", "better", ""]]
    assert [[cell.text for cell in row[1:]] for row in judged.rows] == [
        ["—", "0.00"],
        ["0.00", "—"],
    ]
    assert "3 of 3 pairs are separable" in rouge.remark
    assert "m=hh_rlhf%2Fasft" in rouge.rows[1][1].link
