"""Rows that were not trained here: fetched, answered and scored beside those that were."""

import csv
import json
import math
from itertools import combinations

import pandas as pd
import pytest
import torch
import yaml
from peft import LoraConfig, get_peft_model
from project import copy_project, overlay, planned, snakemake

from asft.config.data import Model
from asft.models.fetch_model import import_model
from asft.models.folders import load_tokenizer
from asft.models.loading import load_policy

TABLE3, TABLE2 = "results/test/table3.csv", "results/test/table2.csv"
ROWS = ["asft", "theirs", "base", "merged"]
MORE = {"loss": "dpo", "beta": 0.1}


def overlays(folder):
    """A policy's folder and an adapter's, with weights enough for other answers than base's."""
    import_model(Model(sources=[{"random": 0}]), folder / "base")
    torch.manual_seed(0)
    config = LoraConfig(r=2, lora_alpha=256, target_modules="all-linear", init_lora_weights=False)
    adapted = get_peft_model(load_policy(folder / "base", torch.float32), config)
    adapted.save_pretrained(folder / "adapter")
    adapted.merge_and_unload().save_pretrained(folder / "theirs")
    load_tokenizer(folder / "base").save_pretrained(folder / "theirs")
    content = {
        "policies": {
            "theirs": {"sources": [{"local": "theirs"}]},
            "merged": {"sources": [{"local": "adapter"}], "adapter_of": "tiny"},
        },
        "tables": {"table3": {"datasets": ["hh_rlhf"], "methods": ROWS}, "table2": None},
    }
    return overlay(folder, "policies.yaml", content)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = copy_project(tmp_path_factory.mktemp("policies"))
    snakemake(folder, TABLE3, overlays=[overlays(folder)])
    return folder


@pytest.mark.timeout(900)  # makes the whole DAG
def test_they_are_rows_like_the_base_policy(finished):
    table = pd.read_csv(finished / TABLE3)
    rows = list(zip(table["dataset"], table["method"], strict=True))
    assert rows == [("-", "base"), ("-", "theirs"), ("-", "merged"), ("hh_rlhf", "asft")]
    assert "Not trained here: theirs, merged." in table["note"].iloc[0]
    differences = pd.read_csv(finished / "results/test/table3.differences.csv")
    pairs = {(a, b) for a, b in differences[["method_a", "method_b"]].to_numpy()}
    assert pairs == set(combinations(["base", "theirs", "merged", "asft"], 2))
    base, *others = [
        (finished / f"results/test/runs/{name}/completions/alpaca_en.jsonl").read_text()
        for name in ("base", "theirs", "merged")
    ]
    assert base not in others
    card = json.loads((finished / "results/test/models/merged/card.json").read_text())
    assert card["adapter_of"] == "tiny"


def test_they_are_judged_like_the_base_policy(finished):
    table2 = {"dataset": "hh_rlhf", "methods": ROWS, "arena_hard_judge": "local", "controls": []}
    table2 |= {"mt_bench_judges": ["local"], "baseline": "asft-demo-baseline"}
    overlay(finished, "judged.yaml", {"tables": {"table2": table2}, "seeds": [42, 43]})
    plan = snakemake(finished, "-n", TABLE2, overlays=["policies.yaml", "judged.yaml"])
    found = planned(plan)
    # Two benchmarks; asft once more with another seed.
    assert found["judge"] == found["score_verdicts"] == found["generate"] == 2 * (len(ROWS) + 1)
    assert found["train"] == 1
    assert "fetch_model" not in found


def test_another_base_policy_leaves_theirs_alone(finished):
    overlay(finished, "other.yaml", {"models": {"tiny": {"sources": [{"random": 5}]}}})
    found = planned(snakemake(finished, "-n", TABLE3, overlays=["policies.yaml", "other.yaml"]))
    assert found["fetch_model"] == found["merge_adapter"] == 1
    assert found["generate"] == found["score"] == len(ROWS) - 1  # all but `theirs`


def test_a_method_starts_from_one(finished):
    """It is the reference too; nothing of the base policy's is read."""
    overlay(finished, "more.yaml", {"methods": {"more": MORE | {"start": "merged"}}})
    run = finished / "results/test/runs/hh_rlhf/more/seed42"
    targets = [f"{run.relative_to(finished)}/{name}" for name in ("history.csv", "model_card.md")]
    made = planned(snakemake(finished, "-n", *targets, overlays=["policies.yaml", "more.yaml"]))
    assert made.pop("train") == made.pop("settings") == made.pop("reference_start") == 1
    assert "reference" not in made
    snakemake(finished, targets[0], overlays=["policies.yaml", "more.yaml"])
    with (run / "history.csv").open() as file:
        first = next(row for row in csv.DictReader(file) if row["split"] == "heldout")
    assert float(first["loss"]) == pytest.approx(math.log(2), abs=1e-6)
    start = yaml.safe_load((run / "settings.yaml").read_text())["start"]
    card = json.loads((finished / "results/test/models/merged/card.json").read_text())
    assert start == {"policy": "merged", "provenance": {"model": card}}


MISTAKES = [
    (
        {"theirs": {"sources": [{"local": "empty"}]}},
        "policies.theirs.sources: empty: no config.json",
    ),
    ({"theirs": {"sources": [{"local": "mute"}]}}, "policies.theirs.sources: mute: no tokenizer"),
    ({"theirs": {"sources": [{"local": "adapter"}]}}, "adapter: an adapter, not a whole model"),
    ({"merged": {"adapter_of": None}}, "adapter: an adapter, not a whole model"),
    ({"merged": {"sources": [{"local": "theirs"}]}}, "theirs: no adapter_config.json"),
]


def test_folders_that_hold_no_policy_are_named_while_the_dag_is_planned(tmp_path):
    folder = copy_project(tmp_path)
    first = overlays(folder)
    (folder / "empty").mkdir()
    (folder / "mute").mkdir()
    for name in ("config.json", "model.safetensors"):
        (folder / "mute" / name).write_bytes((folder / "theirs" / name).read_bytes())
    for policies, message in MISTAKES:
        overlay(folder, "mistake.yaml", {"policies": policies})
        found = snakemake(folder, "-n", TABLE3, overlays=[first, "mistake.yaml"], check=False)
        assert message in found
        assert "Job stats" not in found
