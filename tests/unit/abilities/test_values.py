"""From what lm-eval returns to values per question, and what is left out of its results."""

import math
from typing import Any

import pytest

from asft.abilities.tasks import Asked
from asft.abilities.values import results_of, rows_of, samples_of


def found(task: str, metric: str, values: list[Any], official: Any) -> dict[str, Any]:
    samples = [
        {"doc_id": n, "doc_hash": f"{n:064}", "filter": "none", "metrics": [metric], metric: value}
        for n, value in enumerate(values)
    ]
    return {"samples": {task: samples}, "results": {task: {f"{metric},none": official}}}


def one(task: str) -> list[Asked]:
    return [Asked(task, None, [task])]


@pytest.mark.parametrize(
    ("values", "official", "sums"),
    [
        ([1.0, 0.0, 0.5], 0.5, [(1, 1), (0, 1), (0.5, 1)]),
        ([True, False], 0.5, [(1, 1), (0, 1)]),
        # IFEval: of instructions, not of prompts, whose mean were 0.75.
        ([[True, False], [True]], 2 / 3, [(1, 2), (1, 1)]),
    ],
)
def test_a_value_is_two_sums(values: list[Any], official: float, sums: Any) -> None:
    rows, left = rows_of(found("t", "acc", values, official), one("t"))
    assert not left
    assert [(row["sum"], row["count"]) for row in rows] == sums
    assert rows[1] | {"sum": 0, "count": 0} == {
        **{"task": "t", "metric": "acc", "filter": "none", "question_id": "1", "sum": 0},
        **{"doc": "0" * 12, "count": 0},
    }


@pytest.mark.parametrize(
    ("values", "official"),
    [
        ([(-12.0, 3), (-6.0, 2)], math.exp(18 / 5)),  # perplexity
        ([["gold", "said"]], 41.2),  # corpus BLEU
        ([1.0, 0.0], 0.4),  # whatever it is, it is no mean
        ([1.0, 0.0], "N/A"),
        ([], 0.0),
    ],
)
def test_what_is_no_ratio_of_sums_is_left_out_and_named(values: list[Any], official: Any) -> None:
    rows, left = rows_of(found("t", "ppl", values, official), one("t"))
    assert not rows
    assert left == (["t ppl (none)"] if values else [])


def test_a_group_is_all_its_questions_and_only_if_that_is_what_lm_eval_reports() -> None:
    samples = found("a", "acc", [1.0, 1.0, 0.0], None)["samples"]
    samples |= found("b", "acc", [0.0], None)["samples"]
    group = [Asked("both", None, ["a", "b"])]
    pooled = {"samples": samples, "results": {"both": {"acc,none": 0.5}}}
    rows, left = rows_of(pooled, group)
    assert ([row["question_id"] for row in rows], left) == (["a/0", "a/1", "a/2", "b/0"], [])
    named = [(line["task"], line["part"]) for line in samples_of(pooled, group)]
    assert named == [("both", "a")] * 3 + [("both", "b")]
    macro = {"samples": samples, "results": {"both": {"acc,none": 1 / 3}}}  # each task counts once
    assert rows_of(macro, group) == ([], ["both acc (none)"])


def test_results_hold_neither_times_nor_paths() -> None:
    given: dict[str, Any] = {
        "results": {"t": {"acc,none": 0.5}},
        "date": 1.0,
        "total_evaluation_time_seconds": "3",
        "configs": {
            "t": {"dataset_kwargs": {"data_files": {"test": "/home/me/x.jsonl"}}, "f": len}
        },
    }
    kept = results_of(given, "0.4.13")
    assert kept["configs"]["t"] == {
        "dataset_kwargs": {"data_files": {"test": "x.jsonl"}},
        "f": "len",
    }
    assert set(kept) == {"results", "configs", "lm_eval"}
