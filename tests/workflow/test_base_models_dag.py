"""Several base models in one DAG: an experiment each, and their tables joined."""

import pandas as pd
import pytest
from project import copy_project, overlay, planned, snakemake

TABLE3, RANKS = "results/test/table3.csv", "results/test/figure_ranks.pdf"
SMALL = {
    "models": {"other": {"billion_parameters": 0.0002, "sources": [{"random": 1}]}},
    "base_models": {"tiny": None, "other": {"methods": {"sft": {"training": {"epochs": 2}}}}},
    "tables": {"table3": {"datasets": ["hh_rlhf"], "methods": ["base", "sft"]}, "table2": None},
    "figures": {"margins": None, "cost": None},
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = copy_project(tmp_path_factory.mktemp("base_models"))
    overlay(folder, "models.yaml", SMALL)
    snakemake(folder, TABLE3, RANKS, overlays=["models.yaml"])
    return folder


@pytest.mark.timeout(900)  # makes the whole DAG
def test_the_rows_of_each_stand_in_one_table(finished):
    table = pd.read_csv(finished / TABLE3)
    rows = list(table[["model", "dataset", "method"]].itertuples(index=False, name=None))
    trained = [("-", "base"), ("hh_rlhf", "sft")]
    assert rows == [(model, *row) for model in ("tiny", "other") for row in trained]
    for model in ("tiny", "other"):
        own = pd.read_csv(finished / f"results/test/{model}/table3.csv")
        values = table[table["model"] == model].drop(columns="model").reset_index(drop=True)
        pd.testing.assert_frame_equal(values, own.drop(columns="model"), check_dtype=False)
    ranks = pd.read_csv(finished / "results/test/figure_ranks.csv")
    assert set(ranks["model"]) == {"tiny", "other"}
    assert ranks["rank"].between(1, 2).all()


def test_what_stands_at_a_name_changes_that_model_alone(finished):
    steps = {
        model: len(
            pd.read_csv(
                finished / f"results/test/{model}/runs/hh_rlhf/sft/seed42/history.csv"
            ).query("split == 'train'")
        )
        for model in ("tiny", "other")
    }
    assert steps["other"] == 2 * steps["tiny"]


def test_one_experiment_alone_is_the_same(finished):
    """Named by `model` and `results` it is found made."""
    alone = ["model=tiny", "results=results/test/tiny", "base_models=null"]
    target = "results/test/tiny/table3.csv"
    plan = snakemake(finished, "-n", target, overlays=["models.yaml", "--config", *alone])
    assert planned(plan) == {}


def test_one_model_again(finished):
    longer = {"methods": {"sft": {"training": {"epochs": 3}}}}
    overlay(finished, "more.yaml", {"base_models": {"other": longer}})
    plan = snakemake(finished, "-n", TABLE3, overlays=["models.yaml", "more.yaml"])
    found = planned(plan)
    assert found["other_train"] == 1
    assert not [rule for rule in found if rule.startswith("tiny_")]


def test_what_a_profile_says_of_a_rule_is_said_of_each_models(finished):
    places = ["--set-resources", "train:slurm_partition=gpu", "--groups", "train=training"]
    plan = snakemake(finished, "-n", "--forcerun", "other_train", *places, overlays=["models.yaml"])
    job = plan.split("rule other_train:")[1].split("\n\n")[0]
    assert "slurm_partition=gpu" in job
    assert "Group job training (" in plan


def test_all_of_the_full_experiment_is_planned(finished):
    full = {key: SMALL[key] for key in ("models", "base_models")}
    full["tables"] = {"table4": {"datasets": ["hh_rlhf"], "methods": ["base", "sft"]}}
    overlay(finished, "full.yaml", full)
    found = planned(snakemake(finished, "-n", overlays=["full.yaml"]))
    rules = ("train", "judge", "table1", "figure3", "report", "model_card")
    assert {found[f"tiny_{rule}"] == found[f"other_{rule}"] for rule in rules} == {True}
    joined = [found[f"join_table{n}"] for n in (2, 3, 4)]
    assert [*joined, found["figure_ranks"], found["tiny_table4"]] == [1] * 5
