"""The runs of an experiment, and what each depends on."""

import pytest
from default_config import DEFAULT, merged

from asft.config.loading import load
from asft.config.report_plan import shown_policies, trained_on
from asft.config.runs import (
    Run,
    agreements,
    needs_mismatched,
    needs_reference,
    run_settings,
    table2_contestants,
    table3_runs,
    untrained_in,
)
from asft.errors import UserError


def test_base_is_one_run_whatever_the_data_sets():
    config = load(DEFAULT)
    runs = table3_runs(config)
    assert runs[0] == Run("-", "base", 42)
    assert sum(run.method == "base" for run in runs) == 1
    assert len(runs) == 7


def test_run_settings_hold_what_the_run_depends_on_and_nothing_else():
    config = load(DEFAULT)
    changed = load(merged(DEFAULT, {"methods": {"asft": {"beta": 0.5}}}))
    assert run_settings(config, "hh_rlhf", "orpo", 1) == run_settings(changed, "hh_rlhf", "orpo", 1)
    settings = run_settings(changed, "hh_rlhf", "asft", 1)
    assert settings["hyperparameters"] == {"beta": 0.5}
    assert settings["loss"] == "asft"


def test_a_method_may_override_training_alone():
    raw = merged(DEFAULT, {"methods": {"orpo": {"training": {"learning_rate": 3e-6}}}})
    config = load(raw)
    assert run_settings(config, "hh_rlhf", "orpo", 1)["training"]["learning_rate"] == 3e-6
    assert run_settings(config, "hh_rlhf", "asft", 1)["training"]["learning_rate"] != 3e-6


def test_a_weighted_sum_travels_with_its_run_and_needs_what_its_terms_need():
    rows = {
        "kto": {},
        "irpo": {"loss": {"dpo": 1.0, "sft": 1.0}, "beta": 0.1},
        "twice": {"loss": {"sft": 2}},
    }
    config = load(merged(DEFAULT, {"methods": rows}))
    settings = run_settings(config, "hh_rlhf", "irpo", 1)
    assert settings["loss"] == {"dpo": 1.0, "sft": 1.0}
    assert settings["hyperparameters"] == {"beta": 0.1}
    assert needs_reference(config, "irpo")
    assert not needs_reference(config, "twice")
    assert needs_mismatched(config, "kto")
    assert not needs_mismatched(config, "irpo")


POLICY = {"sources": [{"hub": "owner/policy", "revision": "main"}]}


def test_a_policy_that_was_not_trained_here_is_one_run_like_base():
    tables = {"table3": {"methods": ["theirs", "sft", "base"]}, "table2": {"methods": ["theirs"]}}
    config = load(
        merged(DEFAULT, {"policies": {"theirs": POLICY}, "tables": tables, "seeds": [1, 2]})
    )
    untrained = [Run("-", "base", 1), Run("-", "theirs", 1)]
    assert table3_runs(config)[:2] == untrained
    assert [run.folder for run in untrained] == ["base", "theirs"]
    assert table2_contestants(config)[0] == ("theirs", 1, "theirs")
    assert untrained_in(config, ["theirs", "sft"])["untrained"] == ["theirs"]
    assert untrained_in(config, ["sft"]) == {"note": config.note}
    assert shown_policies(config) == ["theirs"]
    assert trained_on(config) == ["hh_rlhf", "ultrafeedback"]
    assert "policies" not in load(DEFAULT).model_dump_json()


@pytest.mark.parametrize(
    ("policies", "message"),
    [
        ({"sft": POLICY}, "policies.sft: methods has this name too"),
        ({"ultrafeedback": POLICY}, "policies.ultrafeedback: datasets has this name too"),
        ({"smollm2-135m-instruct": POLICY}, "models has this name too"),
        ({"base": POLICY}, "policies.base: the name of a row of its own"),
        ({"control_null": POLICY}, "policies.control_null: the name of a row of its own"),
        ({"a": POLICY | {"adapter_of": "smol"}}, "policies.a.adapter_of: unknown name 'smol'"),
    ],
)
def test_a_policy_needs_a_name_and_a_base_of_its_own(policies, message):
    with pytest.raises(UserError) as error:
        load(merged(DEFAULT, {"policies": policies}))
    assert message in str(error.value)


MEASURED = {"format": "alpaca_eval", "sources": [{"local": "annotations/*.json"}]}


def test_a_judge_is_measured_by_the_protocol_of_what_it_judges():
    assert agreements(load(DEFAULT)) == []
    raw = merged(DEFAULT, {"judges": {"local": {"agreement": MEASURED}}})
    assert agreements(load(raw)) == [("arena_hard", "local")]
    own = {"judges": {"local": {"agreement": MEASURED | {"benchmark": "mt_bench"}}}}
    assert agreements(load(merged(DEFAULT, own))) == [("mt_bench", "local")]
    own["judges"]["local"]["agreement"]["benchmark"] = "alpaca_en"
    with pytest.raises(
        UserError, match=r"'alpaca_en' is not among those of Table 2 .*: arena_hard"
    ):
        load(merged(DEFAULT, own))


def test_what_a_judge_is_measured_by_is_no_part_of_what_it_says():
    """The rule prints the same settings, so that nothing is judged again."""
    plain = load(DEFAULT).judges["local"]
    raw = merged(DEFAULT, {"judges": {"local": {"agreement": MEASURED}}})
    assert "agreement" not in plain.model_dump_json()
    measured = load(raw).judges["local"].model_dump_json(exclude={"agreement"})
    assert measured == plain.model_dump_json()
