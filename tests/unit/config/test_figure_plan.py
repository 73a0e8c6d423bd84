"""The figures that a config asks for, and the runs in each."""

import copy

import pytest
from default_config import DEFAULT

from asft.config.experiment import Config
from asft.config.figure_plan import (
    case_runs,
    cost_arms,
    cost_settings,
    figure_names,
    judged_cells,
    loss_fields,
    margin_runs,
    trained_datasets,
    training_runs,
)
from asft.config.loading import load
from asft.errors import UserError


def config(**changes: object) -> Config:
    raw = copy.deepcopy(DEFAULT)
    for path, value in changes.items():
        node = raw
        *parents, last = path.split("__")
        for key in parents:
            node = node[key]
        node[last] = value
    return load(raw)


def test_the_default_has_all_figures():
    assert figure_names(config()) == [
        "figure1",
        "figure2a",
        "figure2b",
        "figure3",
        "figure_mt_bench",
        "figure_length",
        "figure_training_ultrafeedback",
        "figure_training_hh_rlhf",
        "figure_differences",
        "figure_refusals",
        "figure_calibration",
    ]


@pytest.mark.parametrize(
    ("tasks", "figures"),
    [
        (["gsm8k"], ["calibration"]),  # only lm-eval knows what it is
        (["asft/demo/abilities/asft_word_problems.yaml"], []),
        (["asft/demo/abilities/asft_refusals.yaml"], ["refusals"]),
        (["asft/demo/abilities/asft_truthfulness_mc1.yaml"], ["calibration"]),
        (["changed.yaml"], ["refusals", "calibration"]),
        (["lost.yaml"], []),  # its own error names it
    ],
)
def test_abilities_have_the_figures_of_their_tasks(tasks, figures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "changed.yaml").write_text("task: mine\ninclude: theirs.yaml\n")
    names = figure_names(config(benchmarks__abilities__tasks=tasks))
    assert names[names.index("figure_differences") + 1 :] == [f"figure_{x}" for x in figures]


def test_a_config_without_judges_has_fewer():
    small = config(
        tables={"table3": {"datasets": ["hh_rlhf"], "methods": ["base", "sft"]}},
        figures={"margins": None, "cost": None},
    )
    assert figure_names(small) == ["figure1", "figure_training_hh_rlhf", "figure_differences"]


def test_margins_need_pairs_kept_out_of_training():
    assert "figure2a" not in figure_names(config(datasets__ultrafeedback__heldout=0))


def test_a_policy_of_the_margins_alone_is_one_of_the_runs():
    alone = config(
        tables={"table3": {"datasets": ["hh_rlhf"], "methods": ["base", "sft"]}},
        figures={"margins": {"dataset": "ultrafeedback", "methods": ["asft"]}, "cost": None},
    )
    assert [run.folder for run in training_runs(alone, "ultrafeedback")] == [
        "ultrafeedback/asft/seed42"
    ]
    assert trained_datasets(alone) == ["ultrafeedback", "hh_rlhf"]


def test_runs_of_the_figures():
    both = config(seeds=[1, 2])
    assert [run.folder for run in margin_runs(both)] == [
        f"ultrafeedback/{method}/seed{seed}" for method in ("asft", "orpo") for seed in (1, 2)
    ]
    # Methods of either table, once, in the order of the config; base is not trained.
    runs = training_runs(both, "ultrafeedback")
    assert list(dict.fromkeys(run.method for run in runs)) == ["sft", "dpo", "ipo", "orpo", "asft"]
    assert [row[0] for row in case_runs(both)] == ["base", "dpo", "ipo", "orpo", "asft"]
    assert {row[1] for row in case_runs(both)} == {1}
    assert ("asft", 2, "mt_bench", "local", "ultrafeedback/asft/seed2") in judged_cells(both)
    assert not any(cell[0].startswith("control_") for cell in judged_cells(both))


def test_mt_bench_by_category_shows_the_benchmark_of_that_key():
    two = config(
        benchmarks__mt_2=DEFAULT["benchmarks"]["mt_bench"],
        tables__table2__also={"mt_2": ["local"]},
    )
    assert {cell[2] for cell in judged_cells(two, "length")} == {"mt_bench", "arena_hard", "mt_2"}
    assert {cell[2] for cell in judged_cells(two, "mt_bench")} == {"mt_bench", "arena_hard"}


def test_a_measurement_of_cost_is_of_asft_or_of_dpo():
    stronger = config(methods__asft={"beta": 0.3})
    arms = ("asft", "dpo_cached", "dpo_online")
    found = {arm: cost_settings(stronger, "ultrafeedback", arm) for arm in arms}
    betas = {arm: settings["hyperparameters"]["beta"] for arm, settings in found.items()}
    assert betas == {"asft": 0.3, "dpo_cached": 0.1, "dpo_online": 0.1}
    assert {settings["steps"] for settings in found.values()} == {6}


def test_trls_dpo_is_an_arm_where_a_method_is_trained_by_it():
    assert cost_arms(config()) == ["dpo_online", "dpo_cached", "asft"]
    of_kto = config(methods__kto_trl={"loss": "kto", "trainer": "trl"})
    assert cost_arms(of_kto) == ["dpo_online", "dpo_cached", "asft"]
    of_dpo = config(methods__row={"loss": "dpo", "beta": 0.1, "trainer": "trl"})
    assert cost_arms(of_dpo) == ["dpo_online", "dpo_cached", "dpo_trl", "asft"]


def test_figure_1_draws_losses_of_pairs_alone():
    rows = {"methods__simpo": {"beta": 2.5, "gamma": 1.4}, "methods__kto": {}}
    own = loss_fields(config(**rows, figures={"fields": ["simpo"]}))
    assert own == {"simpo": {"loss": "simpo", "hyperparameters": {"beta": 2.5, "gamma": 1.4}}}
    assert loss_fields(config()) == {}
    with pytest.raises(UserError, match=r"figures.fields: kto: .* more than a pair"):
        config(**rows, figures={"fields": ["kto"]})
    with pytest.raises(UserError, match=r"figures.fields: unknown name 'simp'; .*simpo"):
        config(**rows, figures={"fields": ["simp"]})
