"""The runs of an experiment, and what each depends on."""

from default_config import DEFAULT, merged

from asft.config.loading import load
from asft.config.runs import Run, needs_mismatched, needs_reference, run_settings, table3_runs


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
