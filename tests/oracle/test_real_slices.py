"""Slices of the real data: how many rows are dropped, and why, was looked at row by row."""

import json
import os
from pathlib import Path

import pytest

from asft.data.pair_formats import FORMATS
from asft.data.question_formats import BENCHMARK_FORMATS
from asft.data.rows import Unusable
from asft.files import fingerprint, read_json_rows

SLICES = Path(os.environ.get("ASFT_TEST_DATA", Path(__file__).parents[3] / "shared/data"))

pytestmark = pytest.mark.skipif(
    not SLICES.is_dir(), reason=f"no slices of real data in {SLICES} (set ASFT_TEST_DATA)"
)


def sift(parse, name):
    kept, dropped = [], []
    for number, row in enumerate(read_json_rows(SLICES / name), 1):
        try:
            kept.append(parse(row))
        except Unusable as fault:
            dropped.append((number, fault.reason))
    return kept, dropped


def test_hh_rlhf():
    pairs, dropped = sift(FORMATS["hh_rlhf"], "hh_rlhf/harmless-base-test-400.jsonl")
    # Its chosen transcript ends with "\n\nAssistant:".
    assert dropped == [(87, "empty_completion")]
    assert len({pair.id for pair in pairs}) == 399
    turns = [len(pair.prompt) // 2 for pair in pairs]
    assert max(turns) > 2


def test_hh_rlhf_transcripts_come_back():
    """Written out again, the pairs are the rows but for spaces around turns."""
    rows = read_json_rows(SLICES / "hh_rlhf/harmless-base-test-400.jsonl")
    labels = {"user": "Human", "assistant": "Assistant"}
    for row in rows[:86] + rows[87:]:
        pair = FORMATS["hh_rlhf"](row)
        for key, completion in (("chosen", pair.chosen), ("rejected", pair.rejected)):
            turns = [f"{labels[m['role']]}:{m['content']}" for m in [*pair.prompt, *completion]]
            assert "".join("".join(turns).split()) == "".join(row[key].split())


def test_sharegpt_ranking():
    pairs, dropped = sift(FORMATS["sharegpt_ranking"], "sharegpt_ranking/dpo_en_demo-150.json")
    assert dropped == []
    assert len({pair.id for pair in pairs}) == 150
    assert sum(pair.prompt[0]["role"] == "system" for pair in pairs) == 43


def test_alpaca():
    questions, dropped = sift(BENCHMARK_FORMATS["alpaca"], "alpaca_en/alpaca_en_demo-400.json")
    assert dropped == []
    assert len({question.question_id for question in questions}) == 399  # row 276 repeats another
    rows = json.loads((SLICES / "alpaca_en/alpaca_en_demo-400.json").read_text())
    assert len({fingerprint(row) for row in rows}) == 399
    assert sum("\n" in question.turns[0] for question in questions) >= 170  # rows with an input
