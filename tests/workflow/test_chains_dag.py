"""Chains in the DAG: the start is trained, is the reference, and takes what follows along."""

import csv
import math

import pytest
import yaml
from project import copy_project, overlay, planned, snakemake

TABLE3 = "results/test/table3.csv"
RUNS = "results/test/runs/hh_rlhf"
CARD = f"{RUNS}/dpo/seed42/model_card.md"
CHAIN = {
    "methods": {
        "dpo": {"start": "sft"},
        "sft_lora": {"loss": "sft", "training": {"lora": {"rank": 2}}},
        "dpo_lora": {"loss": "dpo", "beta": 0.1, "start": "sft_lora"},
    },
    "tables": {
        "table3": {"datasets": ["hh_rlhf"], "methods": ["base", "dpo", "dpo_lora"]},
        "table2": None,
    },
}


def jobs_with(folder, methods, *targets):
    overlay(folder, "change.yaml", {"methods": methods})
    overlays = ["chain.yaml", "change.yaml"]
    return planned(snakemake(folder, "-n", *(targets or [TABLE3]), overlays=overlays))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = copy_project(tmp_path_factory.mktemp("chain"))
    overlay(folder, "chain.yaml", CHAIN)
    snakemake(folder, TABLE3, CARD, overlays=["chain.yaml"])
    return folder


def heldout(run):
    with (run / "history.csv").open() as file:
        return [row for row in csv.DictReader(file) if row["split"] == "heldout"]


@pytest.mark.timeout(900)  # makes the whole DAG
@pytest.mark.parametrize("method", ["dpo", "dpo_lora"])
def test_dpo_is_at_ln_2_against_the_run_that_it_starts_from(finished, method):
    """Of a start that was trained by adapters too: its policy has them merged in."""
    run = finished / RUNS / method / "seed42"
    assert float(heldout(run)[0]["loss"]) == pytest.approx(math.log(2), abs=1e-6)
    start = heldout(finished / RUNS / method.replace("dpo", "sft") / "seed42")
    assert start[0]["logp_chosen"] != start[-1]["logp_chosen"]  # it has moved from the base policy
    own = float(heldout(run)[0]["logp_chosen"])
    # Saved in bf16, whose rounding is all that is between the start's end and this beginning.
    assert own == pytest.approx(float(start[-1]["logp_chosen"]), abs=2e-2)
    assert (
        finished / f"results/test/data/hh_rlhf/reference_logps/hh_rlhf/{start_of(method)}.parquet"
    ).is_file()


def start_of(method):
    return f"{method.replace('dpo', 'sft')}/seed42"


def test_settings_and_card_show_the_chain(finished):
    settings = yaml.safe_load((finished / RUNS / "dpo/seed42/settings.yaml").read_text())
    start = yaml.safe_load((finished / RUNS / "sft/seed42/settings.yaml").read_text())
    assert settings["start"] == start
    assert settings["reference"] == "start"
    card = (finished / CARD).read_text()
    assert "2 stages, each from the policy before: `sft` on `hh_rlhf` → `dpo` on `hh_rlhf`." in card


def test_what_a_change_reruns(finished):
    answers = {"generate": 1, "score": 1, "table3": 1}
    assert jobs_with(finished, {}) == {}
    found = jobs_with(finished, {"dpo": {"beta": 0.3}})
    assert found == {"settings": 1, "train": 1} | answers
    found = jobs_with(finished, {"sft": {"training": {"learning_rate": 1e-4}}})
    assert found == {"settings": 2, "train": 2, "reference_start": 1} | answers
    found = jobs_with(finished, {"dpo": {"reference": "base"}})
    assert found == {"settings": 1, "train": 1, "reference": 1} | answers


def test_a_start_on_other_data_is_trained_there(finished):
    start = {"method": "sft", "dataset": "ultrafeedback"}
    found = jobs_with(finished, {"dpo": {"start": start}}, f"{RUNS}/dpo/seed42/policy")
    assert found == {"prepare_dataset": 1, "settings": 2, "reference_start": 1, "train": 2}
