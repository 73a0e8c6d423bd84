"""A judge measured by published verdicts in the DAG: one job more, nothing redone."""

import json

import pytest
from alpaca_annotations import annotated, write_annotations
from project import copy_project, overlay, planned, snakemake

TABLE2, AGREEMENT = "results/test/table2.csv", "results/test/judges/local/agreement.json"
SMALL = {
    "tables": {
        "table3": {"datasets": ["hh_rlhf"], "methods": ["base"]},
        "table2": {"methods": ["base"], "controls": ["injection"]},
    },
    "figures": {"margins": None, "cost": None},
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = copy_project(tmp_path_factory.mktemp("agreement"))
    (folder / "published").mkdir()
    write_annotations(folder / "published/m.json", annotated(1, 0.0, n=20))
    measured = {"format": "alpaca_eval", "sources": [{"local": "published/*.json"}], "limit": 4}
    overlay(folder, "small.yaml", SMALL)
    overlay(folder, "measured.yaml", {"judges": {"local": {"agreement": measured}}})
    return folder


@pytest.mark.timeout(600)
def test_a_judge_is_measured_beside_its_verdicts(project):
    snakemake(project, TABLE2, overlays=["small.yaml"])
    overlays = ["small.yaml", "measured.yaml"]
    jobs = planned(snakemake(project, "-n", TABLE2, overlays=overlays))
    assert jobs == {"judge_agreement": 1, "table2": 1}
    snakemake(project, TABLE2, overlays=overlays)
    found = json.loads((project / AGREEMENT).read_text())
    assert (found["judge"], found["protocol"], found["judged"]) == ("tiny", "arena_hard", 4)
    assert "of 4 published pairs" in (project / "results/test/table2.md").read_text()
    assert planned(snakemake(project, "-n", TABLE2, overlays=overlays)) == {}


def test_what_is_measured_by_must_be_there(project):
    lost = {"judges": {"local": {"agreement": {"format": "alpaca_eval"}}}}
    lost["judges"]["local"]["agreement"]["sources"] = [{"local": "lost/*.json"}]
    overlays = ["small.yaml", overlay(project, "lost.yaml", lost | {"results": "results/lost"})]
    said = snakemake(project, "-n", "results/lost/table2.csv", overlays=overlays, check=False)
    assert "config: judges.local.agreement.sources: no such file or folder: lost/*.json" in said
