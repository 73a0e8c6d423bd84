"""A search: its trials' points, the rows that they are, and what is refused before any job."""

import json
import math

import pytest
import yaml
from default_config import DEFAULT, ROOT, merged

from asft.config.figure_plan import figure_names
from asft.config.loading import load
from asft.config.runs import run_settings, start_logps
from asft.config.search import REFERENCE_METRICS, Range, Search
from asft.config.search_plan import (
    choice_settings,
    choices,
    rung_before,
    rung_names,
    selection_scores,
    trial_runs,
)
from asft.config.search_points import points
from asft.errors import UserError
from asft.tables.table3_columns import estimate_columns

SEARCH = yaml.safe_load((ROOT / "workflow/config/search.yaml").read_text())
RANGES = {"beta": {"low": 0.01, "high": 1.0}, "learning_rate": {"low": 1e-5, "high": 1e-3}}


def loaded(**search):
    return load(merged(merged(DEFAULT, SEARCH), {"search": search}))


def small(space, **others):
    select = {"benchmark": "b"}
    return Search.model_validate({"methods": {"m": space}, "trials": 6, "select": select} | others)


def test_trials_are_rows_and_the_first_is_the_method_s_own():
    config = loaded()
    rows = [name for name in config.methods if name.startswith("dpo_trial")]
    assert rows == [f"dpo_trial{number}" for number in range(1, 7)]
    first = config.methods["dpo_trial1"]
    assert (first.loss, first.hyperparameters) == ("dpo", {"beta": 0.1})
    assert first.training == {"learning_rate": 1e-4}
    betas = {config.methods[name].hyperparameters["beta"] for name in rows}
    assert len(betas) == 6
    assert config.methods["dpo"] == load(DEFAULT).methods["dpo"]


def test_sobol_points_fill_the_logarithms_evenly_and_are_the_same_twice():
    own = {"beta": 0.1, "learning_rate": 1e-4}
    search = small(RANGES, trials=17)
    found = points(search, "m", own)
    assert found == points(search, "m", own)
    assert found[0] == own
    assert len({tuple(point.values()) for point in found}) == 17
    shares = [math.log10(point["beta"]) / 2 + 1 for point in found[1:]]
    # Of 16 Sobol points one lies in each sixteenth, here but for the rounding to three digits.
    assert sorted(int(share * 16) for share in shares) == list(range(16))
    for fewer in range(2, 17):  # so that more trials leave those that were made
        assert points(small(RANGES, trials=fewer), "m", own) == found[:fewer]
    assert points(small(RANGES, points_seed=1), "m", own)[1] != found[1]


def test_a_grid_is_every_combination_and_the_own_row():
    space = {"beta": [0.1, 0.5], "learning_rate": [1e-5, 1e-4]}
    search = small(space, points="grid", trials=4)
    own = {"beta": 0.1, "learning_rate": 1e-4}
    found = points(search, "m", own)
    assert found[0] == own
    assert sorted(map(str, found)) == sorted(
        str({"beta": b, "learning_rate": rate}) for b in (0.1, 0.5) for rate in (1e-5, 1e-4)
    )
    with pytest.raises(ValueError, match="4 points beside the method's own, and 3 trials for them"):
        points(search, "m", own | {"beta": 0.2})
    with pytest.raises(ValueError, match="a grid takes lists"):
        points(small(RANGES, points="grid"), "m", own)


def test_a_range_by_hand():
    ends = Range(low=1e-5, high=1e-3)
    assert [ends.at(share) for share in (0, 0.5, 1)] == [1e-5, 1e-4, 1e-3]
    assert Range(low=1, high=3, log=False).at(0.25) == 1.5


def test_what_is_asked_for():
    config = loaded()
    assert choices(config) == [("ultrafeedback", m) for m in ("dpo", "simpo", "orpo", "asft")]
    trials = [f"dpo_trial{n}" for n in range(1, 7)]
    runs = [run for _, run in trial_runs(config, "ultrafeedback", trials, 1)]
    assert [(run.method, run.seed) for run in runs] == [(name, 1) for name in trials]
    scores = "runs/ultrafeedback/dpo_trial1/seed1/scores/alpaca_selection/references.csv"
    assert selection_scores(config, runs[0]) == scores
    settings = choice_settings(config, "dpo")
    assert settings["trials"]["dpo_trial1"] == {"beta": 0.1, "learning_rate": 1e-4}
    assert choices(load(DEFAULT)) == []


def test_a_halved_trial_is_a_row_for_each_part_of_its_training():
    config = loaded(halving=[0.25, 0.5])
    rungs = ["dpo_trial2_rung1", "dpo_trial2_rung2", "dpo_trial2"]
    assert [name for name in config.methods if name.startswith("dpo_trial2")] == rungs
    assert [rung_before(config, name) for name in rungs] == [None, *rungs[:2]]
    assert rung_before(config, "dpo_trial1_rung1") is rung_before(config, "dpo") is None
    runs = [trial_runs(config, "ultrafeedback", ["dpo_trial2"], rung) for rung in (1, 2, 3)]
    assert [run.method for [(_, run)] in runs] == rungs
    stops = [run_settings(config, "ultrafeedback", name, 1).get("until") for name in rungs]
    assert stops == [0.25, 0.5, None]
    assert "rung" not in "".join(rung_names(loaded()))
    taken = {"methods": {"dpo_trial2_rung1": {"loss": "dpo", "beta": 0.1}}}
    with pytest.raises(UserError, match="dpo_trial2_rung1: a trial of `search` is named so"):
        load(merged(merged(DEFAULT, merged(SEARCH, {"search": {"halving": [0.5]}})), taken))
    assert "halved after 25 % and 50 % of the steps" in config.search.summary


@pytest.mark.parametrize("more", [{}, {"halving": [0.25, 0.5]}])
def test_what_was_loaded_is_loaded_again(more):
    """As the report gets it."""
    config = loaded(**more)
    assert load(json.loads(config.model_dump_json())) == config


def test_metrics_are_table_3_s():
    better = [key for key, column in estimate_columns().items() if column.better == "higher"]
    assert sorted(REFERENCE_METRICS) == sorted(better)


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ({"methods": {"dpo": {"gamma": [0.1]}}}, r"dpo\.gamma: neither a hyper-parameter.*beta"),
        ({"methods": {"dpo": {"epochs": [1, 2]}}}, "more tokens than others"),
        ({"methods": {"dpo": {"optimizer": [1]}}}, "'adamw' in the method's own row"),
        ({"methods": {"dop": {"beta": [1.0]}}}, "search.methods.dop: no such method"),
        ({"methods": {"sft": {}}}, "an empty space"),
        (
            {"methods": {"sft": {"learning_rate": [1e-4, 1e-5]}}},
            "sft: 2 different points, 6 trials",
        ),
        ({"methods": {"dpo": {"beta": {"low": 2, "high": 1}}}}, "low must be below high"),
        ({"points": "grid"}, "search.methods.dpo: beta: a grid takes lists"),
        ({"halving": [0.5, 0.25]}, "search.halving: shares of the steps that grow"),
        ({"halving": [0.2, 0.4, 0.6]}, "6 trials cannot be halved 3 times"),
        ({"halving": [1.0]}, r"search\.halving"),
        ({"seeds": [42, 1]}, "search.seeds: 42 also in seeds"),
        ({"select": {"benchmark": "alpaca_en"}}, "alpaca_en is no part for it"),
        ({"select": {"benchmark": "alpaca"}}, "no benchmark 'alpaca'"),
        ({"select": {"metric": "rouge3"}}, "no metric 'rouge3'"),
        ({"select": {"benchmark": None}}, "no metric of pairs 'rougeL'"),
    ],
)
def test_refused_before_any_job(search, message):
    with pytest.raises(UserError, match=message):
        loaded(**search)


@pytest.mark.parametrize(
    "change",
    [
        {"benchmarks": {"alpaca_en": {"part": None}}},
        {"benchmarks": {"alpaca_en": {"part": {"of": "selection"}}}},
        {"benchmarks": {"alpaca_en": {"part": {"share": 0.3}}}},
        {"tables": {"table3": {"benchmark": "alpaca_selection"}}},
    ],
)
def test_selection_is_never_what_a_table_asks(change):
    with pytest.raises(UserError, match="are of the same questions; give"):
        load(merged(merged(DEFAULT, SEARCH), change))


def test_held_out_pairs_need_a_data_set_that_has_them():
    pairs = {"search": {"select": {"benchmark": None, "metric": "margin"}}}
    config = load(merged(merged(DEFAULT, SEARCH), pairs))
    [(_, run)] = trial_runs(config, "ultrafeedback", ["dpo_trial1"], 1)
    scores = "runs/ultrafeedback/dpo_trial1/seed1/scores/ultrafeedback/pairs.csv"
    assert selection_scores(config, run) == scores
    assert start_logps(config, run) == "data/ultrafeedback/reference_logps.parquet"
    none = pairs | {"datasets": {"ultrafeedback": {"heldout": 0}}}
    with pytest.raises(UserError, match=r"ultrafeedback has none; set datasets\.ultra"):
        load(merged(merged(DEFAULT, SEARCH), none))


def test_unequal_budgets_and_taken_names_are_refused():
    longer = {"methods": {"dpo": {"training": {"epochs": 2}}}}
    with pytest.raises(UserError, match=r"unequal budgets, in epochs: dpo 2, simpo 1"):
        load(merged(merged(DEFAULT, SEARCH), longer))
    taken = {"methods": {"dpo_trial2": {"loss": "dpo", "beta": 0.1}}}
    with pytest.raises(UserError, match=r"methods\.dpo_trial2: a trial of `search` is named so"):
        load(merged(merged(DEFAULT, SEARCH), taken))


def test_the_figure_is_among_the_figures():
    assert "figure_search" in figure_names(loaded())
    assert "figure_search" not in figure_names(load(DEFAULT))


def test_the_first_trial_needs_a_value_of_its_own():
    bare = {"methods": {"bare": {"loss": "dpo"}}, "search": {"methods": {"bare": {"beta": [0.1]}}}}
    with pytest.raises(UserError, match=r"bare\.beta: methods\.bare needs a value of its own"):
        load(merged(merged(DEFAULT, SEARCH), bare))
