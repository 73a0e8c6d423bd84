"""What the paper's published n can tell apart."""

import math

import pytest

from asft.config.experiment import Statistics
from asft.tables.published_differences import published_differences

ROWS = {
    (row["column"], row["method_a"], row["method_b"]): row
    for row in published_differences(Statistics())
}


def test_by_hand():
    """ASFT 32.5 against DPO 31.8 on 500 prompts: variances of 0/100 outcomes, r = 0.5."""
    row = ROWS["arena_hard", "dpo", "asft"]
    dpo, asft = 31.8 * 68.2, 32.5 * 67.5
    se = math.sqrt((dpo + asft - math.sqrt(dpo * asft)) / 500)
    assert se == pytest.approx(2.09, abs=0.01)
    assert row["difference"] == pytest.approx(-0.7)
    assert row["high"] == pytest.approx(-0.7 + 1.959964 * se, abs=1e-4)
    assert row["verdict"] == "not separable"
    assert row["correlation_needed"] > 0.98


def test_the_correlation_needed_is_where_the_interval_ends_at_zero():
    row = ROWS["mt_bench_gpt4_turbo", "dpo", "asft"]
    a, b = 6.08 * 2.92, 6.05 * 2.95
    r = row["correlation_needed"]
    se = math.sqrt((a + b - 2 * r * math.sqrt(a * b)) / 80)
    assert 1.959964 * se == pytest.approx(0.03, abs=1e-6)
    assert row["verdict"] == "not separable"


def test_what_stands_out_in_the_paper():
    apart = {key for key, row in ROWS.items() if row["verdict"] != "not separable"}
    base = {("arena_hard", "base", name) for name in ("dpo", "ipo", "orpo", "asft")}
    assert apart == base | {("arena_hard", "orpo", "asft")}  # p = 0.046: just so
    assert all(ROWS[key]["verdict"] == "worse" for key in apart)
