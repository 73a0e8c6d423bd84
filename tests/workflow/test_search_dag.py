"""A search in the DAG: no trial sees a table's questions, and nothing is trained twice."""

import csv
import json
import re

import pytest
import yaml
from project import ROOT, copy_project, overlay, planned, snakemake

SEARCH = "workflow/config/search.yaml"
TINY = {
    "results": "results/s",
    "model": "tiny",
    "keep_policies": "best",
    "benchmarks": {
        "alpaca_en": {"limit": None},
        "alpaca_selection": {"decoding": {"max_new_tokens": 8}},
    },
    "search": {"trials": 2},
    "tables": {"table3": {"methods": ["base", "orpo"]}},
}
TARGETS = ["results/s/table3.csv", "results/s/figure_search.pdf", "results/s/report/index.html"]


def tiny(folder):
    """The overlay with one method of its four: what a mapping holds no overlay can take out."""
    full = yaml.safe_load((ROOT / SEARCH).read_text())
    full["search"]["methods"] = {"orpo": full["search"]["methods"]["orpo"]}
    overlay(folder, "search.yaml", full)
    return ["search.yaml", overlay(folder, "tiny.yaml", TINY)]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = copy_project(tmp_path_factory.mktemp("search"))
    return folder, tiny(folder)


def test_no_choice_rests_on_a_table_s_questions(project):
    folder, overlays = project
    choice = "results/s/search/ultrafeedback/orpo.json"
    plan = snakemake(folder, "-n", choice, overlays=overlays)
    jobs = planned(plan)
    assert (jobs["train_trial"], jobs["choose"], jobs["prepare_benchmark"]) == (2, 1, 1)
    assert "train" not in jobs
    assert "alpaca_selection/questions.jsonl" in plan
    assert "alpaca_en/questions" not in plan
    # Nor on the seed with which what is chosen is trained.
    assert set(re.findall(r"/seed(\d+)/policy", plan)) == {"1"}


@pytest.mark.timeout(900)  # makes the whole DAG
def test_what_is_chosen_is_trained_afresh_and_nothing_twice(project):
    folder, overlays = project
    snakemake(folder, *TARGETS, overlays=overlays)
    results = folder / "results/s"
    choice = json.loads((results / "search/ultrafeedback/orpo.json").read_text())
    run = results / "runs/ultrafeedback/orpo/seed42"
    settings = yaml.safe_load((run / "settings.yaml").read_text())
    assert settings["search"]["chosen"] == choice["chosen"]
    assert settings["hyperparameters"] == choice["hyperparameters"]
    assert settings["training"]["learning_rate"] == choice["training"]["learning_rate"]
    asked = {
        name: {
            json.loads(line)["turns"][0]
            for line in (results / f"benchmarks/{name}/questions.jsonl").read_text().splitlines()
        }
        for name in ("alpaca_en", "alpaca_selection")
    }
    assert not asked["alpaca_en"] & asked["alpaca_selection"]
    assert len(asked["alpaca_en"] | asked["alpaca_selection"]) == 44
    note = (results / "table3.md").read_text().splitlines()[0]
    assert "the best of 2 trials each (training seeds 1), by rougeL on questions of" in note
    page = (results / "report/index.html").read_text()
    assert "orpo (settings: the best of 2 trials)" in page
    assert "Settings that were tried" in page
    # keep_policies: best
    kept = sorted(str(path.relative_to(results)) for path in results.rglob("policy"))
    assert kept == ["runs/ultrafeedback/orpo/seed42/policy"]
    assert planned(snakemake(folder, "-n", *TARGETS, overlays=overlays)) == {}
    # A further trial is trained; those that were made are not made again.
    overlay(folder, "more.yaml", {"search": {"trials": 3}})
    more = [*overlays, "more.yaml"]
    choice = "results/s/search/ultrafeedback/orpo.json"
    jobs = planned(snakemake(folder, "-n", choice, overlays=more))
    assert jobs["train_trial"] == 1


def test_by_held_out_pairs_the_worse_half_stops_and_the_other_goes_on(project):
    folder, overlays = project
    results = folder / "results/s"
    whole = {
        path.parent.parent.name: path.read_bytes()
        for path in results.glob("runs/ultrafeedback/orpo_trial*/seed1/history.csv")
    }
    halving = {"halving": [0.5], "select": {"benchmark": None, "metric": "margin"}}
    overlay(folder, "halving.yaml", {"search": halving})
    choice = "results/s/search/ultrafeedback/orpo.halved-0.5.json"
    overlays = [*overlays, "halving.yaml"]
    plan = snakemake(folder, "-n", choice, overlays=overlays)
    assert "alpaca_en/questions" not in plan
    jobs = planned(plan)
    assert (jobs["train_rung"], jobs["halve"]) == (2, 1)
    assert "train_trial" not in jobs  # which of them is known later
    snakemake(folder, choice, overlays=overlays)
    found = json.loads((folder / choice).read_text())
    rung = json.loads((results / "search/ultrafeedback/orpo.rung1.json").read_text())
    [going_on] = rung["goes_on"]
    assert found["chosen"] == going_on
    assert sorted(trial["share"] for trial in found["trials"]) == [0.5, 1]
    history = results / f"runs/ultrafeedback/{going_on}/seed1/history.csv"
    assert history.read_bytes() == whole[going_on]
    # Whose last line says of all held-out pairs what decided.
    rows = list(csv.DictReader(history.open()))
    last = [row for row in rows if row["split"] == "heldout"][-1]
    assert (found["metric"], found["n"]) == ("margin", int(last["pairs"]))
    [score] = [trial["score"] for trial in found["trials"] if trial["trial"] == going_on]
    assert score == pytest.approx(float(last["margin"]), abs=1e-4)
    assert not list(results.glob("runs/ultrafeedback/orpo_trial*/seed1/policy"))
    assert not list(results.rglob("state"))
    assert planned(snakemake(folder, "-n", choice, overlays=overlays)) == {}
