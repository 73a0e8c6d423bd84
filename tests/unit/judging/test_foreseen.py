"""What is foreseen of a judge's prompts is what it is shown then."""

import json

import pytest

from asft.config import Judge
from asft.data import write_benchmark
from asft.files import write_jsonl
from asft.judging import foreseen_prompts, judge_answers, write_control
from asft.records import Completion

SETTINGS = {
    "protocol": "mt_bench",
    "format": "mt_bench",
    "sources": [{"local": "asft/demo/mt_bench_questions.jsonl"}],
    "prompts": [{"local": "asft/prompts/demo_judge_prompts.jsonl"}],
    "references": [{"local": "asft/demo/mt_bench_references.jsonl"}],
    "limit": 3,
}
JUDGE = Judge(backend="openai", model="any")


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mt_bench")
    write_benchmark(json.dumps(SETTINGS), "mt_bench", folder)
    return folder


def shown(benchmark, completions):
    """The messages that the step would send."""
    out = completions.with_name("calls.jsonl")
    judge_answers(JUDGE.model_dump_json(), "mt_bench", benchmark, completions, out, dry_run=True)
    return [json.loads(line)["messages"] for line in out.read_text().splitlines()]


def test_answers_that_are_there_are_shown(benchmark, tmp_path):
    completions = tmp_path / "completions.jsonl"
    write_control("echo", benchmark / "questions.jsonl", completions)
    calls, prompts = foreseen_prompts(JUDGE, "mt_bench", benchmark, completions, 7)
    assert calls == 6  # two turns each
    assert list(prompts.values()) == shown(benchmark, completions)


def test_a_control_s_answers_are_known_before(benchmark, tmp_path):
    completions = tmp_path / "control_null/completions/mt_bench.jsonl"
    foreseen = foreseen_prompts(JUDGE, "mt_bench", benchmark, completions, 7)[1]
    write_control("null", benchmark / "questions.jsonl", completions)
    assert list(foreseen.values()) == shown(benchmark, completions)


def test_a_policy_s_answers_are_stood_in_for_by_their_length(benchmark, tmp_path):
    completions = tmp_path / "dpo/seed1/completions/mt_bench.jsonl"
    foreseen = foreseen_prompts(JUDGE, "mt_bench", benchmark, completions, 5)[1]
    assert all(" the the the the the" in f"{messages}" for messages in foreseen.values())
    assert not completions.exists()


def test_answers_of_two_policies_that_are_stood_in_for_are_not_the_same(benchmark, tmp_path):
    """Of both together 6 + 6 prompts; the calibration is shared."""
    judge = Judge(backend="local", model="any", calibrate=True)
    both = [
        foreseen_prompts(judge, "mt_bench", benchmark, tmp_path / f"{name}/1/completions/x", 5)[1]
        for name in ("dpo", "ipo")
    ]
    assert len(both[0] | both[1]) == len(both[0]) + 6


def test_equal_prompts_count_once_and_a_calibration_too(benchmark, tmp_path):
    """Without content the questions differ only in which template they take."""
    judge = Judge(backend="local", model="any", calibrate=True)
    completions = tmp_path / "control_null/completions/mt_bench.jsonl"
    calls, prompts = foreseen_prompts(judge, "mt_bench", benchmark, completions, 5)
    assert calls == 6
    assert 6 < len(prompts) <= 6 + 4


def test_what_was_not_answered_is_not_asked(benchmark, tmp_path):
    completions = tmp_path / "completions.jsonl"
    rows = [json.loads(x) for x in (benchmark / "questions.jsonl").read_text().splitlines()]
    write_jsonl(
        completions,
        [
            Completion(
                question_id=row["question_id"],
                turns=["a", ""],
                finish_reasons=["stop", "no_answer"],
                tokens=[1, None],
            )
            for row in rows
        ],
    )
    assert foreseen_prompts(JUDGE, "mt_bench", benchmark, completions, 5)[0] == 3
