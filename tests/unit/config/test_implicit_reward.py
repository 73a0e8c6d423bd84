"""The protocol implicit_reward in the config: what it takes, and what is refused."""

from pathlib import Path

import pytest
import yaml

from asft.config import compared_with, load, report_inputs
from asft.config.runs import Run
from asft.errors import UserError

RAW = yaml.safe_load((Path(__file__).parents[3] / "config.yaml").read_text())
ROWS = {"protocol": "implicit_reward", "format": "best_of_n", "sources": [{"local": "x.jsonl"}]}


def config(benchmark, **changes):
    table = {"benchmarks": ["mine"], "datasets": ["hh_rlhf"], "methods": ["base", "dpo"]}
    benchmarks = RAW["benchmarks"] | {"mine": benchmark}
    return RAW | {"benchmarks": benchmarks, "tables": RAW["tables"] | {"table4": table}} | changes


def test_rows_of_its_own_or_a_data_set_s_held_out_pairs():
    found = load(config(ROWS))
    assert "runs/base/scores/mine/implicit_reward.samples.jsonl" in report_inputs(found)
    load(config({"protocol": "implicit_reward", "dataset": "hh_rlhf"}))


@pytest.mark.parametrize(
    ("benchmark", "message"),
    [
        ({"protocol": "implicit_reward"}, "benchmarks.mine: needs a dataset, or sources"),
        (ROWS | {"dataset": "hh_rlhf"}, "benchmarks.mine: dataset names what is ranked"),
        (ROWS | {"format": "best_of"}, "benchmarks.mine.format: .*did you mean 'best_of_n'"),
        (ROWS | {"tasks": []}, "benchmarks.mine.tasks: unknown key"),
        (
            {"protocol": "implicit_reward", "dataset": "hh_rlf"},
            "benchmarks.mine.dataset: unknown name 'hh_rlf'",
        ),
    ],
)
def test_what_is_refused(benchmark, message):
    with pytest.raises(UserError, match=message):
        load(config(benchmark))


def test_a_data_set_without_held_out_pairs():
    datasets = RAW["datasets"] | {"hh_rlhf": RAW["datasets"]["hh_rlhf"] | {"heldout": 0}}
    benchmark = {"protocol": "implicit_reward", "dataset": "hh_rlhf"}
    with pytest.raises(UserError, match=r"set datasets\.hh_rlhf\.heldout"):
        load(config(benchmark, datasets=datasets))


def test_what_a_policy_is_compared_with():
    methods = RAW["methods"] | {
        "after": {"loss": "dpo", "beta": 0.1, "start": "sft"},
        "against_base": {"loss": "dpo", "beta": 0.1, "start": "sft", "reference": "base"},
    }
    found = load(config(ROWS, methods=methods))
    starts = [compared_with(found, Run("hh_rlhf", name, 42)) for name in ("dpo", *methods)[-2:]]
    assert starts == [Run("hh_rlhf", "sft", 42), None]
    assert compared_with(found, Run("hh_rlhf", "dpo", 42)) is None
