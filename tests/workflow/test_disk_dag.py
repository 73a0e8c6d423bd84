"""Policies that are not kept: gone when their answers are there, and no reason to train again."""

import pytest
from project import copy_project, overlay, planned, snakemake

TABLE3, RUN = "results/test/table3.csv", "results/test/runs/hh_rlhf"
CHAIN = {
    "keep_policies": "none",
    "methods": {"dpo": {"start": "sft"}},
    "tables": {"table3": {"datasets": ["hh_rlhf"], "methods": ["dpo"]}, "table2": None},
}


@pytest.mark.timeout(900)  # makes a whole DAG
def test_a_policy_goes_once_nobody_waits_for_it(tmp_path):
    folder = copy_project(tmp_path)
    overlay(folder, "none.yaml", CHAIN)
    snakemake(folder, TABLE3, overlays=["none.yaml"])
    for method in ("sft", "dpo"):  # the start too
        assert not (folder / RUN / method / "seed42/policy").exists()
        assert (folder / RUN / method / "seed42/history.csv").is_file()
    assert planned(snakemake(folder, "-n", TABLE3, overlays=["none.yaml"])) == {}
    longer = {"benchmarks": {"alpaca_en": {"decoding": {"max_new_tokens": 9}}}}
    overlay(folder, "longer.yaml", longer)
    found = planned(snakemake(folder, "-n", TABLE3, overlays=["none.yaml", "longer.yaml"]))
    assert found["train"] == 2  # asked for more, it is trained again, from its start
    assert "settings" not in found
