"""A judge of refusals in the DAG: a job more of a policy, which nothing else depends on."""

import re

import yaml
from project import copy_project, overlay, planned, snakemake

METHODS = {"datasets": ["hh_rlhf"], "methods": ["base", "sft"]}
TABLE4, FIGURE = "results/test/table4.csv", "results/test/figure_refusals.pdf"


def test_a_judge_of_refusals_is_a_job_of_each_policy(tmp_path):
    folder = copy_project(tmp_path)
    plain = {"tables": {"table3": METHODS, "table2": None, "table4": METHODS}, "seeds": [1, 2]}
    judged = plain | {
        "benchmarks": {"abilities": {"refusals": {"judge": "local"}}},
        "figures": {"refusals": "judge"},
    }
    said = {
        name: snakemake(
            folder, "-n", "-p", FIGURE, overlays=[overlay(folder, f"{name}.yaml", content)]
        )
        for name, content in (("plain", plain), ("judged", judged))
    }
    jobs = {name: planned(text) for name, text in said.items()}
    assert jobs["judged"] == jobs["plain"] | {"judge_refusals": 3}
    commands = {name: set(re.findall(r"asft --log .*", text)) for name, text in said.items()}
    ours = commands["judged"] - commands["plain"]
    named = sorted(re.search(r"--log \S+ (?:plot )?(\S+)", command)[1] for command in ours)
    assert named == [*["judge-refusals"] * 3, "refusals", "table4"]  # all others as without
    (table,) = (command for command in ours if " table4 " in command)
    verdicts = "results/test/runs/hh_rlhf/sft/seed{seed}/refusals/abilities/local.jsonl"
    assert f" --refusals hh_rlhf,sft,1+2,abilities,local={verdicts}" in table
    lost = yaml.safe_load((folder / "judged.yaml").read_text())
    lost["benchmarks"]["abilities"]["refusals"]["prompts"] = "lost.yaml"
    text = snakemake(folder, "-n", TABLE4, overlays=[overlay(folder, "l.yaml", lost)], check=False)
    assert "config: benchmarks.abilities.refusals.prompts: no such file: lost.yaml" in text
