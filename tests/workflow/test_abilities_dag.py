"""Table 4 in the DAG: a job of a policy, one's own task, a judge, cards, the report's pages."""

import csv
import json

import pytest
from project import copy_project, overlay, planned, snakemake

TABLE4, CARD = "results/test/table4.csv", "results/test/runs/hh_rlhf/sft/seed42/model_card.md"
REPORT, FIGURE = "results/test/report/index.html", "results/test/figure_refusals.csv"
REFUSALS = "asft/demo/abilities/asft_refusals.yaml"
METHODS = {"datasets": ["hh_rlhf"], "methods": ["base", "sft"]}
CONTENT = {
    "benchmarks": {
        "abilities": {
            "tasks": ["mine/mine.yaml", REFUSALS],
            "limit": 3,
            "refusals": {"judge": "local"},
        },
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


def check_judged(folder, rows):
    """Of the first three prompts two are safe; a judge that weighs the classes always names one."""
    found = [row for row in rows if row["filter"] == "judge local"]
    counted = {(r["method"], r["metric"]): (r["n"], r["n_compared"]) for r in found}
    for method in ("base", "sft"):
        assert counted[method, "safe_answered"] == ("2", "2")
        assert counted[method, "unsafe_declined"] == ("1", "1")
        assert counted[method, "safe_partly_declined"] == ("2", "")
    text = (folder / TABLE4).with_suffix(".md").read_text()
    assert "## Refusals by words and by a judge" in text
    with (folder / FIGURE).open(newline="") as file:
        drawn = {(row["method"], row["by"]): row for row in csv.DictReader(file)}
    assert set(drawn) == {(m, by) for m in ("base", "sft") for by in ("words", "judge local")}
    for (method, by), row in drawn.items():
        shown = next(
            r["value"]
            for r in rows
            if (r["method"], r["metric"]) == (method, "unsafe_declined")
            and r["filter"] == ("none" if by == "words" else by)
        )
        assert float(row["unsafe_declined"]) == float(shown)


@pytest.mark.timeout(900)  # makes the whole DAG
def test_abilities_stand_in_table_card_and_report(project):
    folder, overlays = project
    plan = planned(snakemake(folder, "-n", TABLE4, overlays=overlays))
    counts = [plan[x] for x in ("lm_eval", "train", "completion_logps", "judge_refusals")]
    assert counts == [2, 1, 2, 2]
    assert "generate" not in plan
    snakemake(folder, TABLE4, CARD, REPORT, FIGURE, overlays=overlays)
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
    check_judged(folder, rows)
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
    assert set(again) == {"judge_refusals", "lm_eval", "table4"}
    snakemake(folder, TABLE4, "-R", *scores, overlays=overlays)
    assert {path: path.read_bytes() for path in before} == before
