"""Chains of methods: what is trained before what, and which starts are refused."""

import pytest
from default_config import DEFAULT, merged

from asft.config.chains import chain_of, start_of, starts_named
from asft.config.figure_plan import starts_shown, trained_datasets, training_runs
from asft.config.loading import load
from asft.config.report_plan import data_cards, record_files, trained_on
from asft.config.runs import (
    Run,
    card_settings,
    reference_file,
    run_settings,
    start_run,
    table3_runs,
    with_starts,
)
from asft.errors import UserError

SFT_DATA = {"format": "sft", "sources": [{"hub": "owner/answers", "revision": "0" * 40}]}
CHAIN = {
    "datasets": {"answers": SFT_DATA},
    "methods": {
        "dpo": {"start": "sft"},
        "ipo": {"start": {"method": "sft", "dataset": "answers"}, "reference": "base"},
        "kto": {"start": "dpo"},
        "asft": {"start": {"method": "sft", "dataset": "answers"}},
    },
    "tables": {
        "table3": {"datasets": ["hh_rlhf"], "methods": ["base", "kto", "asft"]},
        "table2": None,
        "table4": None,
    },
    "figures": {"margins": None, "cost": None},
}


def loaded(**methods):
    return load(merged(merged(DEFAULT, CHAIN), {"methods": methods}))


def test_what_is_trained_before_a_method():
    config = loaded()
    assert start_of(config, "hh_rlhf", "sft") is None
    assert start_of(config, "-", "base") is None
    assert start_of(config, "hh_rlhf", "ipo") == ("answers", "sft")
    assert chain_of(config, "hh_rlhf", "kto") == [
        ("hh_rlhf", name) for name in ("sft", "dpo", "kto")
    ]
    assert starts_named(config, "hh_rlhf", "kto") == ["sft", "dpo"]
    assert starts_named(config, "hh_rlhf", "asft") == ["sft on answers"]
    shown = starts_shown(config, table3_runs(config))
    assert shown == {"starts": {"kto": ["sft", "dpo"], "asft": ["sft on answers"]}}
    assert starts_shown(config, [Run("hh_rlhf", "sft", 42)]) == {}
    assert start_run(config, Run("hh_rlhf", "dpo", 7)) == Run("hh_rlhf", "sft", 7)


def test_a_start_is_trained_because_it_is_asked_for():
    config = loaded()
    folders = [run.folder for run in with_starts(config, [Run("hh_rlhf", "kto", 1)])]
    assert folders == [f"hh_rlhf/{name}/seed1" for name in ("sft", "dpo", "kto")]
    methods = [run.method for run in training_runs(config, "hh_rlhf")]
    assert methods == [
        "sft",
        "dpo",
        "asft",
        "kto",
    ]  # in the order of the config; ipo is not asked for
    assert [run.method for run in training_runs(config, "answers")] == ["sft"]
    assert trained_datasets(config) == ["hh_rlhf", "answers"]
    assert trained_on(config) == ["hh_rlhf", "answers"]
    runs = table3_runs(config)
    assert data_cards(config, runs) == ["data/hh_rlhf/card.json", "data/answers/card.json"]
    assert data_cards(config, [Run("-", "base", 42)]) == []
    assert "runs/answers/sft/seed42/cost.json" in record_files(config)
    assert card_settings(config, "hh_rlhf", "asft")["datasets"] == ["owner/answers"]


def test_a_reference_is_the_start_unless_the_row_says_otherwise():
    config = loaded(dpo_plain={"loss": "dpo", "beta": 0.1})
    files = {
        method: reference_file(config, Run("hh_rlhf", method, 3))
        for method in ("dpo_plain", "dpo", "ipo", "kto", "asft")
    }
    assert files == {
        "dpo_plain": "data/hh_rlhf/reference_logps.parquet",
        "dpo": "data/hh_rlhf/reference_logps/hh_rlhf/sft/seed3.parquet",
        "ipo": "data/hh_rlhf/reference_logps.parquet",
        "kto": "data/hh_rlhf/reference_logps_mismatched/hh_rlhf/dpo/seed3.parquet",
        "asft": None,
    }


def test_a_policy_that_was_not_trained_here_may_be_the_start():
    theirs = {"sources": [{"hub": "them/theirs", "revision": "0" * 40}]}
    rows = {"methods": {"ipo": {"start": "theirs", "reference": "start"}, "kto": {"start": "ipo"}}}
    config = load(merged(merged(DEFAULT, CHAIN), rows | {"policies": {"theirs": theirs}}))
    run = Run("hh_rlhf", "ipo", 3)
    assert start_run(config, run) == Run("-", "theirs", 3)
    assert chain_of(config, "hh_rlhf", "kto") == [("hh_rlhf", "ipo"), ("hh_rlhf", "kto")]
    assert starts_named(config, "hh_rlhf", "kto") == ["theirs", "ipo"]
    assert with_starts(config, [run]) == [run]
    assert reference_file(config, run) == "data/hh_rlhf/reference_logps/theirs.parquet"
    assert run_settings(config, *run)["start"] == {"policy": "theirs"}
    assert card_settings(config, "hh_rlhf", "kto")["base"] == "them/theirs"
    assert card_settings(config, "hh_rlhf", "asft")["base"] != "them/theirs"


def test_settings_hold_the_start_and_are_as_before_without_one():
    config, plain = loaded(), load(DEFAULT)
    settings = run_settings(config, "hh_rlhf", "ipo", 42)
    assert settings["start"] == {"dataset": "answers", "method": "sft"}
    assert settings["reference"] == "base"
    assert "reference" not in run_settings(config, "hh_rlhf", "asft", 42)
    assert run_settings(config, "hh_rlhf", "sft", 42) == run_settings(plain, "hh_rlhf", "sft", 42)
    assert "start" not in plain.model_dump_json()


REFUSED = [
    ({"dpo": {"start": "stf"}}, "methods.dpo.start: unknown name 'stf'; did you mean 'sft'?"),
    ({"dpo": {"start": "base"}}, "methods.dpo.start: what has no `start` starts from base"),
    ({"dpo": {"start": 3}}, "methods.dpo.start: expected a method's name, or {method, dataset}"),
    ({"dpo": {"strat": "sft"}}, "methods.dpo.strat: unknown key; did you mean 'start'?"),
    (
        {"dpo": {"start": {"method": "sft", "dataset": "answer"}}},
        "methods.dpo.start.dataset: unknown name 'answer'; did you mean 'answers'?",
    ),
    ({"dpo": {"start": "dpo"}}, "methods.dpo.start: a circle"),
    (
        {"sft": {"start": "kto"}},
        "circle, which no training could begin: sft starts from kto starts",
    ),
    ({"sft": {"start": {"method": "asft", "dataset": "hh_rlhf"}}}, "a circle"),
    ({"asft": {"reference": "base"}}, "methods.asft.reference: its loss compares with no"),
    (
        {"dpo": {"loss": "tr_dpo", "reference": "base", "start": "sft"}},
        "methods.dpo.reference: its loss loads the policy that it starts from",
    ),
    (
        {"dpo": {"trainer": "trl", "reference": "base", "start": "sft"}},
        "methods.dpo.reference: TRL's trainers take the policy that it starts from",
    ),
    (
        {"asft": {"start": {"method": "orpo", "dataset": "answers"}}},
        "tables.table3: orpo compares two completions, and a row of datasets.answers (sft) holds",
    ),
]


def test_a_policy_that_was_not_trained_here_has_no_data():
    policy = {"sources": [{"hub": "owner/policy", "revision": "main"}]}
    start = {"method": "theirs", "dataset": "hh_rlhf"}
    raw = merged(DEFAULT, {"policies": {"theirs": policy}, "methods": {"dpo": {"start": start}}})
    with pytest.raises(UserError, match=r"dpo.start.dataset: 'theirs' was not trained here; leave"):
        load(raw)


@pytest.mark.parametrize(("methods", "message"), REFUSED)
def test_a_start_that_cannot_be_is_refused(methods, message):
    with pytest.raises(UserError) as error:
        loaded(**methods)
    assert message in str(error.value)
