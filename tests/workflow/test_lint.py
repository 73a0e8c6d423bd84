"""`snakemake --lint` finds nothing but that rules name no environment of their own."""

import re
from pathlib import Path

from project import ROOT, copy_project, overlay, snakemake

RULES = ROOT / "workflow/rules"
# Several base models, a search and an adapter, so that every rule is there.
ALL_RULES = {
    "models": {"other": {"billion_parameters": 0.0002, "sources": [{"random": 1}]}},
    "base_models": {"tiny": None, "other": None},
    "policies": {"adapter": {"adapter_of": "tiny", "sources": [{"local": "adapter"}]}},
    "search": {
        "trials": 2,
        "methods": {"orpo": {"beta": {"low": 0.03, "high": 1.0}}},
        "halving": [0.5],
        "select": {"benchmark": None, "metric": "margin"},
    },
}


def test_rules_stand_by_themselves_and_nothing_else_is_linted(tmp_path):
    folder = copy_project(tmp_path)
    overlays = [overlay(folder, "all.yaml", ALL_RULES)]
    # Text: Snakemake 9.27 ignores the `json` of `--lint json`.
    output = snakemake(folder, "--lint", overlays=overlays, check=False)
    assert "Lints for snakefile" not in output
    titles = re.findall(r"^    \* (.+)$", output, re.MULTILINE)
    assert set(titles) == {"Specify a conda environment or container for each rule.:"}
    read = re.findall(r"^Lints for rule \S+ \(line \d+, (.+)\):$", output, re.MULTILINE)
    with_rules = set(RULES.glob("*.smk")) - {RULES / "common.smk", RULES / "experiment.smk"}
    assert {Path(path).name for path in read} == {path.name for path in with_rules}
