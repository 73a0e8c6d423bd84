"""Table 4 in the DAG: a job of a policy, one's own task, cards, the report's pages."""

import csv
import json

import pytest
from project import copy_project, overlay, planned, snakemake

TABLE4, CARD = "results/test/table4.csv", "results/test/runs/hh_rlhf/sft/seed42/model_card.md"
REPORT = "results/test/report/index.html"
METHODS = {"datasets": ["hh_rlhf"], "methods": ["base", "sft"]}
CONTENT = {
    "benchmarks": {
        "abilities": {"tasks": ["mine/mine.yaml"], "limit": 3},
        "own_pairs": {"protocol": "implicit_reward", "dataset": "hh_rlhf"},
    },
    "tables": {
        "table3": METHODS,
        "table2": None,
        "table4": METHODS | {"benchmarks": ["abilities", "own_pairs"]},
    },
    "figures": {"margins": None, "cost": None},
}
TASK = """
task: mine
dataset_path: json
dataset_kwargs: {data_files: {test: rows.jsonl}}
output_type: generate_until
test_split: test
generation_kwargs: {until: ["."], max_gen_toks: 8}
doc_to_text: "{{question}}"
doc_to_target: "{{answer}}"
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
metadata: {version: 2.0}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = copy_project(tmp_path_factory.mktemp("abilities"))
    (folder / "mine").mkdir()
    (folder / "mine/mine.yaml").write_text(TASK)
    rows = [{"question": f"Is {n} even?", "answer": "yes"} for n in range(4)]
    (folder / "mine/rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder, [overlay(folder, "mine.yaml", CONTENT)]


def test_a_task_that_is_not_there_stops_the_plan(project):
    folder, overlays = project
    lost = overlay(
        folder, "lost.yaml", {"benchmarks": {"abilities": {"tasks": ["lost.yaml/x.yaml"]}}}
    )
    said = snakemake(folder, "-n", TABLE4, overlays=[*overlays, lost], check=False)
    assert "config: benchmarks.abilities.tasks: no such file: lost.yaml/x.yaml" in said


@pytest.mark.timeout(900)  # makes the whole DAG
def test_abilities_stand_in_table_card_and_report(project):
    folder, overlays = project
    plan = planned(snakemake(folder, "-n", TABLE4, overlays=overlays))
    assert (plan["lm_eval"], plan["train"], plan["completion_logps"]) == (2, 1, 2)
    assert "generate" not in plan
    snakemake(folder, TABLE4, CARD, REPORT, overlays=overlays)
    with (folder / TABLE4).open(newline="") as file:
        rows = list(csv.DictReader(file))
    named = [(row["dataset"], row["method"], row["task"], row["n"], row["version"]) for row in rows]
    assert [row for row in named if row[2] == "mine"] == [
        ("-", "base", "mine", "3", "2.0"),
        ("hh_rlhf", "sft", "mine", "3", "2.0"),
    ]
    ranked = [
        (row["method"], row["metric"], row["n"]) for row in rows if row["task"] == "own_pairs"
    ]
    assert ranked == [
        ("base", "reward_accuracy", "0"),  # it is the reference
        ("base", "per_token_accuracy", "4"),
        ("sft", "reward_accuracy", "4"),
        ("sft", "per_token_accuracy", "4"),
    ]
    assert "mine exact_match, per cent" in (folder / CARD).read_text()
    page = (folder / REPORT).read_text()
    assert 'href="samples.html#b=abilities.mine&amp;m=base&amp;s=exact_match"' in page
    assert "b=own_pairs.own_pairs" in page
    assert "own_pairs reward_accuracy, per cent" in (folder / CARD).read_text()
    index = folder / "results/test/report/assets/data/abilities.mine/index.js"
    assert "Is 0 even?" in index.read_text()
    before = {path: path.read_bytes() for path in folder.glob("results/test/table4*")}
    scores = [f"results/test/runs/{run}/scores/abilities/lm_eval.csv" for run in ("base",)]
    again = planned(snakemake(folder, "-n", TABLE4, "-R", *scores, overlays=overlays))
    assert set(again) == {"lm_eval", "table4"}
    snakemake(folder, TABLE4, "-R", *scores, overlays=overlays)
    assert {path: path.read_bytes() for path in before} == before
