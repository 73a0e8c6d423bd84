"""A judge measured by published verdicts in the DAG: one job more, all others as before."""

import json
import re

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
    """Whole Table 2 with it: one job more, and verdicts that are asked for as before."""
    plain = planned(snakemake(project, "-n", TABLE2, overlays=["small.yaml"]))
    overlays = ["small.yaml", "measured.yaml"]
    said = snakemake(project, "-n", "-p", TABLE2, overlays=overlays)
    assert planned(said) == plain | {"judge_agreement": 1}
    assert f"--agreement arena_hard,local={AGREEMENT}" in said
    asked = re.findall(r"asft .* judge --settings (.*?) --protocol", said)
    assert len(asked) == plain["judge"]
    assert not any("agreement" in settings for settings in asked)
    snakemake(project, AGREEMENT, overlays=overlays)
    found = json.loads((project / AGREEMENT).read_text())
    assert (found["judge"], found["protocol"], found["judged"]) == ("tiny", "arena_hard", 4)


def test_what_is_measured_by_must_be_there(project):
    lost = {"judges": {"local": {"agreement": {"format": "alpaca_eval"}}}}
    lost["judges"]["local"]["agreement"]["sources"] = [{"local": "lost/*.json"}]
    overlays = ["small.yaml", overlay(project, "lost.yaml", lost | {"results": "results/lost"})]
    said = snakemake(project, "-n", "results/lost/table2.csv", overlays=overlays, check=False)
    assert "config: judges.local.agreement.sources: no such file or folder: lost/*.json" in said
