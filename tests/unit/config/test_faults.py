"""Mistakes in a config: one line each, with the key and the nearest right name, before any job."""

import copy

import pytest
from default_config import DEFAULT

from asft.config.experiment import Config
from asft.config.loading import load
from asft.config.runs import table1_rows, table2_columns
from asft.errors import UserError

HUB = {"hub": "owner/name", "revision": "main"}


def refusal(key, value):
    """The words that refuse the default config with one key changed."""
    raw = copy.deepcopy(DEFAULT)
    *path, last = key.split(".")
    node = raw
    for part in path:
        node = node.setdefault(part, {}) if isinstance(node, dict) else node[int(part)]
    node[int(last) if isinstance(node, list) else last] = value
    with pytest.raises(UserError) as caught:
        load(raw)
    return str(caught.value)


@pytest.mark.parametrize(
    ("key", "right"),
    [
        ("datasets.hh_rlhf.fromat", "format"),
        ("models.smollm2-135m-instruct.sorces", "sources"),
        ("benchmarks.alpaca_en.decoding.max_new_token", "max_new_tokens"),
        ("judges.local.protocl", "protocol"),
        ("tables.table2.min_covrage", "min_coverage"),
        ("figures.margins.metods", "methods"),
        ("training.lora.rnk", "rank"),
        ("methods.asft.training.lora.rnk", "rank"),
        ("generation.server.comand", "command"),
    ],
)
def test_a_misspelt_key_at_any_depth(key, right):
    assert refusal(key, 1) == f"config: {key}: unknown key; did you mean {right!r}?"


def test_a_misspelt_key_of_a_source():
    sources = [HUB | {"splt": "train"}]
    for key in ("datasets.hh_rlhf.sources", "benchmarks.mt_bench.prompts"):
        line = refusal(key, sources)
        assert line == f"config: {key}.0.hub.splt: unknown key; did you mean 'split'?"
    line = refusal("datasets.hh_rlhf.sources", [{"hbu": "owner/name"}])
    assert (
        "one of the keys hub, url, wheel, wheels, local (given: hbu); did you mean 'hub'?" in line
    )


@pytest.mark.parametrize(
    ("key", "given", "right"),
    [
        ("datasets.hh_rlhf.format", "hh_rhlf", "hh_rlhf"),
        ("benchmarks.alpaca_en.protocol", "refrences", "references"),
        ("training.precision", "bf61", "bf16"),
        ("training.token_budget", "atuo", "auto"),
    ],
)
def test_a_misspelt_choice(key, given, right):
    line = refusal(key, given)
    assert line.startswith(f"config: {key}")
    assert line.endswith(f"(given: {given!r}); did you mean {right!r}?")


def test_a_choice_like_no_other_lists_them():
    line = refusal("datasets.hh_rlhf.format", "arrow")
    assert (
        "'ultrafeedback_binarized', 'hh_rlhf', 'sharegpt_ranking', 'trl', 'sft' or 'unpaired'"
        in line
    )
    assert "did you mean" not in line


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("tables.table3.benchmark", "mt_bench", "needs one with the protocol references"),
        ("benchmarks.mt_bench.prompts", [], "the protocol mt_bench needs a source here"),
        ("benchmarks.arena_hard.prompts", [], "the protocol arena_hard needs a source here"),
        ("benchmarks.mt_bench.decisive_weight", 1, "the protocol mt_bench weighs no games"),
        ("benchmarks.arena_hard.decisive_weight", 2, "Input should be 1 or 3"),
        ("benchmarks.arena_hard.baseline", [], "the protocol arena_hard needs a source here"),
        ("benchmarks.alpaca_en.format", "mt_bench", "cannot be scored by the protocol references"),
        ("benchmarks.arena_hard.format", "mt_bench", "which takes arena_hard or alpaca"),
        ("methods.ipo.beta", 0, "expected a number above 0, given 0"),
        ("methods.dpo.beta", -0.1, "expected a number above 0, given -0.1"),
        ("methods.asft.beta", float("nan"), "expected a number that is finite, given nan"),
        ("seeds", [1, 2, 1], "1 stands here twice"),
        ("seeds.0", -1, "greater than or equal to 0"),
        ("tables.table3.methods", ["sft", "sft"], "'sft' stands here twice"),
        ("tables.table3.datasets", ["hh_rlhf", "hh_rlhf"], "'hh_rlhf' stands here twice"),
        ("tables.table2.mt_bench_judges", ["local", "local"], "'local' stands here twice"),
        ("judges.local.base_url", "localhost:8000/v1", "must begin with http:// or https://"),
        ("judges.local.api_key_env", "sk-1 2", "api_key_env must be the name"),
        (
            "datasets.hh_rlhf.sources.0",
            {"random": 0},
            "hub, url, wheel, wheels, local (given: random)",
        ),
        ("benchmarks.mt_bench.prompts.0", HUB, "the path of the one file"),
        ("tables.table2.arena_hard", "mt_bench", "'mt_bench' has another protocol"),
        ("judges.local.calibrate", "orders", "needs two answers in both orders, and mt_bench"),
        ("tables.table2.also.mt_bench", ["local"], "of the table's own keys"),
        ("tables.table2.also.alpaca_en", ["local"], "has the protocol references, which asks no"),
    ],
)
def test_what_would_fail_after_the_training_is_refused(key, value, message):
    line = refusal(key, value)
    assert line.startswith(f"config: {key.removesuffix('.api_key_env')}")
    assert message in line
    assert "\n" not in line


def test_further_benchmarks_are_checked_as_the_first():
    raw = copy.deepcopy(DEFAULT)
    raw["benchmarks"] |= {"mt_2": DEFAULT["benchmarks"]["mt_bench"]}
    raw["benchmarks"] |= {"arena_2": DEFAULT["benchmarks"]["arena_hard"]}
    raw["judges"] |= {"other": DEFAULT["judges"]["local"]}
    for also, message in [
        ({"mt_3": ["local"]}, "also: unknown name 'mt_3'; did you mean 'mt_2'?"),
        ({"mt_2": ["locl"]}, "unknown name 'locl'; did you mean 'local'?"),
        ({"mt_2": ["other", "other"]}, "'other' stands here twice"),
        ({"arena_2": ["local", "other"]}, "one judge of a win rate, given: local, other"),
    ]:
        raw["tables"]["table2"]["also"] = also
        with pytest.raises(UserError, match=message):
            load(raw)
    raw["tables"]["table2"]["also"] = {"mt_2": ["other", "local"], "arena_2": ["local"]}
    config = load(raw)
    assert table2_columns(config) == [
        *(("arena_hard", "local"), ("mt_bench", "local")),
        *(("mt_2", "other"), ("mt_2", "local"), ("arena_2", "local")),
    ]
    model = "smollm2-135m-instruct"
    assert table1_rows(config) == [
        ("arena_hard", "arena_hard", "asft-demo-baseline", [model]),
        ("mt_bench", "mt_bench", "", [model]),
        ("mt_2", "mt_bench", "", [model, model]),
        ("arena_2", "arena_hard", "", [model]),
    ]
    assert load(config.model_dump()) == config


def test_what_is_not_asked_for_changes_no_command():
    """Rule `report` prints the config: a key that is new but empty must not stand in it."""
    printed = load(DEFAULT).model_dump()
    assert "also" not in printed["tables"]["table2"]
    assert "decisive_weight" not in printed["benchmarks"]["arena_hard"]


def test_asft_without_its_alignment_term_is_allowed():
    raw = copy.deepcopy(DEFAULT)
    raw["methods"]["asft"]["beta"] = 0
    assert isinstance(load(raw), Config)


def test_a_reward_model_rates_no_single_answers():
    raw = copy.deepcopy(DEFAULT)
    raw["judges"]["local"] = {"backend": "reward_model", "model": raw["model"]}
    with pytest.raises(UserError, match=r"judges\.local: a reward model compares two answers"):
        load(raw)
