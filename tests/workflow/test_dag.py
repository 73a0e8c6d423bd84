"""The DAG as its user meets it: runs, reruns, partial reruns, refusals."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import pandas as pd
import pytest
import yaml
from project import BIN, OVERLAY, ROOT, copy_project, overlay, planned, snakemake

# Two data sets, a method with and one without reference: all kinds of jobs, few of them.
TABLE3 = "results/test/table3.csv"
SMALL = {"tables": {"table3": {"methods": ["base", "dpo", "asft"]}}}
FOLLOWED = {"training": {"report_to": ["swanlab"]}}  # which is not installed


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run of the small DAG; the folder's name has a blank and an umlaut."""
    folder = copy_project(tmp_path_factory.mktemp("ein Prüfstand"))
    overlay(folder, "small.yaml", SMALL)
    snakemake(folder, TABLE3, overlays=["small.yaml"])
    return folder


def test_table_3_is_complete(finished):
    table = pd.read_csv(finished / "results/test/table3.csv")
    rows = list(zip(table["dataset"], table["method"], strict=True))
    assert rows == [
        ("-", "base"),
        ("hh_rlhf", "dpo"),
        ("hh_rlhf", "asft"),
        ("ultrafeedback", "dpo"),
        ("ultrafeedback", "asft"),
    ]
    scores = [c for c in table.columns if c.startswith(("bleu4", "rouge", "lf_"))]
    assert table[scores].notna().all().all()
    for suffix in (".md", ".tex", ".differences.csv"):
        assert (finished / f"results/test/table3{suffix}").stat().st_size > 200
    assert "numbers mean nothing" in (finished / "results/test/table3.md").read_text()


def test_second_run_does_nothing(finished):
    overlay(finished, "followed.yaml", FOLLOWED)
    overlays = ["small.yaml", "followed.yaml"]  # where trainings are followed is no setting
    assert "Nothing to be done" in snakemake(finished, TABLE3, overlays=overlays)


def test_a_tracker_that_is_missing_stops_the_plan_of_what_has_to_be_trained(finished):
    overlay(finished, "sft.yaml", FOLLOWED | {"tables": {"table3": {"methods": ["sft"]}}})
    overlays = ["small.yaml", "sft.yaml"]
    said = snakemake(finished, "-n", TABLE3, overlays=overlays, check=False)
    assert "swanlab needs swanlab, which is not installed: pip install swanlab" in said


def test_beta_reruns_one_method(finished):
    overlay(finished, "beta.yaml", {"methods": {"asft": {"beta": 0.3}}})
    jobs = planned(snakemake(finished, "-n", TABLE3, overlays=["small.yaml", "beta.yaml"]))
    assert jobs == {"settings": 2, "train": 2, "generate": 2, "score": 2, "table3": 1}


def test_decoding_reruns_no_training(finished):
    content = {"benchmarks": {"alpaca_en": {"decoding": {"max_new_tokens": 8}}}}
    overlay(finished, "decoding.yaml", content)
    jobs = planned(snakemake(finished, "-n", TABLE3, overlays=["small.yaml", "decoding.yaml"]))
    assert jobs == {"generate": 5, "score": 5, "table3": 1}


def test_other_questions_of_a_judge_retrain_nothing(finished):
    """Only the cards change, which count the questions found among the training prompts."""
    overlay(finished, "fewer.yaml", {"benchmarks": {"mt_bench": {"limit": 2}}})
    jobs = planned(snakemake(finished, "-n", TABLE3, overlays=["small.yaml", "fewer.yaml"]))
    assert jobs == {"prepare_benchmark": 1, "data_card": 2, "table3": 1}
    overlay(finished, "alone.yaml", {"tables": {"table2": None}})
    jobs = planned(snakemake(finished, "-n", TABLE3, overlays=["small.yaml", "alone.yaml"]))
    assert jobs == {"data_card": 2, "table3": 1}


def test_a_card_counts_overlap_with_every_benchmark_asked(finished):
    card = json.loads((finished / "results/test/data/hh_rlhf/card.json").read_text())
    assert card["rows"] == 12
    assert sorted(card["overlap"]["by_benchmark"]) == ["alpaca_en", "arena_hard", "mt_bench"]
    asked = [found["questions"] for found in card["overlap"]["by_benchmark"].values()]
    assert card["overlap"]["questions"] == sum(asked) == 12


ANSWERED = {"generate": 5, "score": 5, "table3": 1}
TRAINED = {"fetch_model": 1, "prepare_dataset": 2, "reference": 2, "settings": 4, "train": 4}
# What follows the targets of a line in docs/reruns.md → whether all is made already, which jobs
# follow, and which must not.
PARTS = {
    "-R results/runs/hh_rlhf/asft/seed42/policy": (
        True,
        {"train": 1, "generate": 1, "score": 1, "table3": 1},
    ),
    "-R results/runs/*/asft/seed*/policy": (
        True,
        {"train": 2, "generate": 2, "score": 2, "table3": 1},
    ),
    "-R results/runs/hh_rlhf/*/seed*/policy": (
        True,
        {"train": 2, "generate": 2, "score": 2, "table3": 1},
    ),
    "--forcerun score": (True, {"score": 5, "table3": 1}),
    "--force results/runs/hh_rlhf/asft/seed42/policy": (True, {"train": 1}),
    "policies_asft": (
        False,
        {"fetch_model": 1, "prepare_dataset": 2, "settings": 2, "train": 2},
    ),
    "policies_asft --forcerun train": (True, {"train": 2}),
    "results/runs/hh_rlhf/asft/seed42/policy": (
        False,
        {"fetch_model": 1, "prepare_dataset": 1, "settings": 1, "train": 1},
    ),
    "--until train": (False, TRAINED),
    "--omit-from judge": (False, {"judge": None, "table2": None, "report": None, "score": 5}),
    "--batch table3=1/3": (False, {"score": 1, "table3": None}),
    "--keep-going --retries 2": (False, {**TRAINED, **ANSWERED}),
    "--rerun-incomplete": (True, {}),
    "--rerun-triggers mtime": (True, {}),
    "--touch": (True, {}),
}
LINE = re.compile(
    r"^\| .* \| `snakemake --cores all (?:results/table3.csv )?(.*)` \|$", re.MULTILINE
)


def test_every_line_about_parts_is_tried():
    assert LINE.findall((ROOT / "docs/reruns.md").read_text(encoding="utf-8")) == list(PARTS)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_can_be_run(finished, tmp_path, part):
    made, jobs = PARTS[part]
    folder = finished
    if not made:
        folder = copy_project(tmp_path)
    elif part == "--touch":  # a copy whose files are all as old as the copying
        folder = shutil.copytree(finished, tmp_path / "copy", copy_function=shutil.copyfile)
    overlay(folder, "small.yaml", SMALL)
    overlay(folder, "other.yaml", {"training": {"batch_size": 2}} if "mtime" in part else {})
    target = (
        ""
        if part.startswith(("--force ", "results", "policies", "--omit"))
        else "results/table3.csv"
    )
    shell = f"{BIN}/snakemake --cores 2 {target} {part}".replace("results/", "results/test/")
    configs = f"--configfile {OVERLAY} small.yaml other.yaml"
    tried = [f"{shell} {configs}", f"{shell.removesuffix(part)} -n {configs}"]
    for line in tried if part == "--touch" else [f"{shell} -n {configs}"]:
        done = subprocess.run(
            ["bash", "-c", line], cwd=folder, text=True, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    found = planned(done.stdout + done.stderr)
    assert {name: found.get(name) for name in jobs} == jobs
    if not part.startswith(("--omit", "--batch")):  # what others they plan does not matter
        assert set(found) <= {*jobs, "prepare_benchmark", "data_card", "policies_asft"}


def test_steps_that_need_no_torch_import_none(finished, tmp_path):
    """Each step but these runs with a `torch` in the path that ends the process."""
    folder = shutil.copytree(finished, tmp_path / "copy")
    (folder / "poison").mkdir()
    (folder / "poison/torch.py").write_text("raise SystemExit('torch was imported')")
    poisoned = os.environ | {"PATH": f"{BIN}:/usr/bin:/bin", "PYTHONPATH": "poison"}
    plan = snakemake(folder, TABLE3, "-n", "-p", "--forceall", overlays=["small.yaml"])
    commands = re.findall(r"^ *(?:Shell command: *)?(asft --log .*)$", plan, re.MULTILINE)
    steps = {shlex.split(line)[3]: line for line in commands}
    assert {"train", "generate", "prepare-dataset", "table3"} < set(steps)
    for step in set(steps) - {"fetch-model", "train", "generate", "reference"}:
        subprocess.run(steps[step], shell=True, cwd=folder, env=poisoned, check=True)
    assert subprocess.run(steps["train"], shell=True, cwd=folder, env=poisoned).returncode != 0


@pytest.fixture
def copied(finished, tmp_path):
    """The finished run, for a test that changes it."""
    return shutil.copytree(finished, tmp_path / "copy")


def test_a_command_does_not_grow_with_the_seeds(copied):
    """Linux takes none of more than 128 KiB: at 40 methods of 20 seeds Table 2's had 190."""
    content = {"seeds": list(range(100, 150)), "figures": {"cost": None}}
    overlay(copied, "many.yaml", content)
    targets = [TABLE3, "results/test/table2.csv", "results/test/figure_length.pdf"]
    plan = snakemake(copied, "-n", "-p", *targets, overlays=["many.yaml"])
    commands = [line for line in plan.splitlines() if "asft --log" in line]
    assert len(commands) > 1000
    assert max(map(len, commands)) < 4000
    assert any("--score hh_rlhf,sft,100+101+102+" in command for command in commands)


def test_seeds_reach_the_tables(copied):
    """Two seeds of two methods: means, spread, and differences that say with how many seeds."""
    one = {"datasets": ["hh_rlhf"], "methods": ["base", "sft", "asft"]}
    overlay(copied, "seeds.yaml", {"seeds": [1, 2], "tables": {"table3": one}})
    snakemake(copied, TABLE3, overlays=["seeds.yaml"])
    table = pd.read_csv(copied / "results/test/table3.csv").set_index("method")
    assert table["seeds"].to_dict() == {"base": 1, "sft": 2, "asft": 2}
    assert table["rougeL_seed_sd"].notna().to_dict() == {"base": False, "sft": True, "asft": True}
    differences = pd.read_csv(copied / "results/test/table3.differences.csv")
    assert set(differences["seeds"]) == {2}
    assert set(differences["verdict"]) <= {"better", "worse", "not separable"}
    assert "plus that between 2 seeds" in (copied / "results/test/table3.md").read_text()
    runs = [copied / f"results/test/runs/hh_rlhf/asft/seed{seed}" for seed in (1, 2)]
    assert len({(run / "policy/model.safetensors").read_bytes() for run in runs}) == 2


def test_table_2_and_its_answers_are_kept(copied):
    """Judged once: from the store the same table comes back without a judge's model."""
    content = {"tables": {"table2": {"methods": ["base"], "controls": ["injection"]}}}
    overlay(copied, "judged.yaml", content)
    overlays = ["small.yaml", "judged.yaml"]
    targets = ["results/test/table2.csv", "results/test/table1.csv"]
    snakemake(copied, *targets, overlays=overlays)
    first = (copied / "results/test/table2.csv").read_bytes()
    table = pd.read_csv(copied / "results/test/table2.csv")
    assert list(table["method"]) == ["base", "control_injection"]
    assert table["arena_hard_win_rate"].notna().all()
    facts = pd.read_csv(copied / "results/test/table1.csv")
    assert len(facts) == 2
    shutil.rmtree(copied / "results/test/runs/base/verdicts")
    again = ["--forcerun", "judge"]
    assert planned(snakemake(copied, "-n", *targets, *again, overlays=overlays))["judge"] == 4
    snakemake(copied, *targets, *again, overlays=overlays)
    assert (copied / "results/test/table2.csv").read_bytes() == first


def test_an_error_shows_on_the_terminal_in_one_line(tmp_path):
    folder = copy_project(tmp_path)
    content = {"datasets": {"hh_rlhf": {"sources": [{"local": "broken.jsonl"}]}}}
    overlay(folder, "broken.yaml", content)
    (folder / "broken.jsonl").write_text("{")
    target = "results/test/data/hh_rlhf/card.json"
    output = snakemake(folder, target, overlays=["broken.yaml"], check=False)
    assert "error: broken.jsonl: broken.jsonl, line 1: not JSON" in output
    assert "Traceback" not in output


MISTAKES = [
    ({"trainng": {"epochs": 1}}, "trainng: unknown key; did you mean 'training'?"),
    ({"training": {"epoch": 1}}, "training.epoch: unknown key; did you mean 'epochs'?"),
    ({"training": {"epochs": "two"}}, "training.epochs: Input should be a valid number"),
    ({"methods": {"asft": {"bta": 0.1}}}, "methods.asft.bta: unknown key; did you mean 'beta'?"),
    ({"methods": {"asft": {"beta": "big"}}}, "methods.asft.beta: expected a number"),
    ({"methods": {"apo": {}}}, "methods.apo: no loss 'apo'"),
    ({"methods": {"sft": {"training": {"lr": 1}}}}, "methods.sft.training.lr"),
    (
        {"tables": {"table3": {"methods": ["afst"]}}},
        "tables.table3.methods: unknown name 'afst'; did you mean 'asft'?",
    ),
    ({"model": "tinny"}, "model: unknown name 'tinny'; did you mean 'tiny'?"),
    (
        {"datasets": {"hh_rlhf": {"fromat": "trl"}}},
        "datasets.hh_rlhf.fromat: unknown key; did you mean 'format'?",
    ),
    (
        {"tables": {"table3": {"benchmark": "mt_bench"}}},
        "tables.table3.benchmark: 'mt_bench' has the protocol mt_bench, but Table 3 needs",
    ),
    ({"methods": {"ipo": {"beta": 0}}}, "methods.ipo.beta: expected a number above 0"),
    ({"seeds": [1, 1]}, "seeds: 1 stands here twice"),
]


@pytest.mark.parametrize(("content", "message"), MISTAKES)
def test_a_config_mistake_is_named_before_any_job(tmp_path, content, message):
    folder = copy_project(tmp_path)
    overlay(folder, "mistake.yaml", content)
    output = snakemake(folder, "-n", overlays=["mistake.yaml"], check=False)
    assert message in output
    assert "Job stats" not in output
    assert "Traceback" not in output


MISSING = [
    (
        {"datasets": {"hh_rlhf": {"sources": [{"local": "missing.jsonl"}]}}},
        "config: datasets.hh_rlhf.sources: no such file or folder: missing.jsonl",
    ),
    (
        {"models": {"tiny": {"chat_template": "missing.jinja"}}},
        "config: models.tiny.chat_template: no such file: missing.jinja",
    ),
    (
        {"benchmarks": {"mt_bench": {"prompts": [{"local": "asft/demo/hh_rlhf.jsonl"}]}}},
        "asft/demo/hh_rlhf.jsonl: no prompt named 'single-v1'",
    ),
    ({"datasets": {"../up": {"format": "trl", "sources": [{"local": "x"}]}}}, "../up"),
]


@pytest.mark.parametrize(("content", "message"), MISSING)
def test_what_a_job_would_miss_is_named_while_the_dag_is_planned(tmp_path, content, message):
    folder = copy_project(tmp_path)
    overlay(folder, "missing.yaml", content)
    output = snakemake(folder, "-n", overlays=["missing.yaml"], check=False)
    assert message in output
    assert "Job stats" not in output


def test_the_papers_experiment_is_planned():
    command = [str(BIN / "snakemake"), "-n", "--cores", "2", "results/paper/table3.csv"]
    command += ["--configfile", "workflow/config/paper.yaml"]
    output = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True)
    jobs = planned(output.stdout + output.stderr)
    assert jobs["train"] == 6
    assert jobs["generate"] == jobs["score"] == 7


LLAMA = "llama-3-8b-instruct"  # one of several base models, whose rules carry their names


@pytest.mark.parametrize(
    ("overlays", "table", "jobs"),
    [
        (["small"], "small/table3.csv", {"train": 6, "generate": 7, "score": 7, "table3": 1}),
        (["small"], "small/table2.csv", {"train": 4, "generate": 10, "reference": 1, "judge": 18}),
        (["paper", "tuned"], "tuned/table2.csv", {"train": 4, "generate": 10, "judge": 27}),
        (["paper", "lora"], "lora/table3.csv", {"train": 6, "generate": 7}),
        (["paper", "vllm"], "vllm/table3.csv", {"train": 6, "generate": 7}),
        # SFT once, for four that start from it; KTO's reference has mismatched completions too.
        (["chain"], "chain/table3.csv", {"train": 6, "reference": 1, "reference_start": 2}),
        (["chain"], "chain/table2.csv", {"train": 6, "generate": 14, "reference_start": 2}),
        # Tables of others: their row SFT is the base policy, or the start of all.
        (["simpo-table"], "simpo-table/table3.csv", {f"{LLAMA}_train": 9, f"{LLAMA}_generate": 10}),
        (["paper", "simpo-table"], "simpo-table/table2.csv", {f"{LLAMA}_judge": 42}),
        (["simpo-table"], f"simpo-table/{LLAMA}/table3.csv", {f"{LLAMA}_train": 9}),
        (["instructions"], "instructions/table3.csv", {"train": 5, "generate": 6, "reference": 1}),
        (["sizes"], "sizes/table3.csv", {"smollm2-360m-instruct_train": 6, "join_table3": 1}),
        # Thirty-four rows, five seeds.
        (["small", "oxrl"], "oxrl/table3.csv", {"train": 170, "generate": 171}),
        (["blur"], "blur/table3.csv", {"train": 9, "generate": 10, "reference_start": 1}),
        (["paper", "blur"], "blur/table3.csv", {"train": 9, "generate": 10}),
    ],
)
def test_every_overlay_is_planned(overlays, table, jobs):
    command = [str(BIN / "snakemake"), "-n", "--cores", "2", f"results/{table}", "--configfile"]
    command += [f"workflow/config/{name}.yaml" for name in overlays]
    output = subprocess.run(command, cwd=ROOT, text=True, capture_output=True)
    assert output.returncode == 0, output.stdout + output.stderr
    found = planned(output.stdout + output.stderr)
    assert {name: found.get(name) for name in jobs} == jobs


def test_slices_of_real_data_are_planned():
    content = yaml.safe_load((ROOT / "workflow/config/slices.yaml").read_text())
    parts = [*content["datasets"].values(), *content["benchmarks"].values()]
    files = [ROOT / source["local"] for part in parts for source in part["sources"]]
    if missing := [path for path in files if not path.is_file()]:
        pytest.skip(f"not part of the project: {missing[0]}")
    command = [str(BIN / "snakemake"), "-n", "--cores", "2", "results/slices/table3.csv"]
    command += ["--configfile", "workflow/config/slices.yaml"]
    output = subprocess.run(command, cwd=ROOT, text=True, capture_output=True)
    assert output.returncode == 0, output.stdout + output.stderr
    jobs = planned(output.stdout + output.stderr)
    assert (jobs["prepare_dataset"], jobs["prepare_benchmark"], jobs["train"]) == (2, 1, 6)
    assert "judge" not in jobs


def test_braces_in_the_config_are_text(tmp_path):
    folder = copy_project(tmp_path)
    server = {"command": "serve {policy} --port {port}"}
    changes = {"note": "a {note} with {{braces}}", "generation": {"server": server}}
    overlay(folder, "braces.yaml", changes)
    command = [str(BIN / "snakemake"), "-n", "-p", "--cores", "2", "--configfile", OVERLAY]
    plan = subprocess.run([*command, "braces.yaml"], cwd=folder, text=True, capture_output=True)
    assert plan.returncode == 0, plan.stdout + plan.stderr
    commands = [line for line in plan.stdout.splitlines() if "asft --log" in line]
    assert sum("a {note} with {{braces}}" in command for command in commands) > 10


def test_parsing_the_snakefile_imports_no_torch():
    code = "import asft.config.runs, asft.cli.app, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
