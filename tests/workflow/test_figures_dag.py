"""The figures as rules: `all` asks for those that the config has, and rules make them."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
SNAKEMAKE = str(Path(sys.executable).parent / "snakemake")


def test_all_plans_each_figure_with_a_command_of_its_own(tmp_path):
    command = [SNAKEMAKE, "-n", "-p", "--cores", "2", "--config", f"results={tmp_path}/none"]
    output = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True)
    plan = output.stdout + output.stderr
    commands = re.findall(rf"asft --log \S+ plot (\S+) .*--out {tmp_path}/none/(\S+)\.pdf", plan)
    assert sorted(set(commands)) == [
        ("calibration", "figure_calibration"),
        ("differences", "figure_differences"),
        ("figure1", "figure1"),
        ("figure2a", "figure2a"),
        ("figure2b", "figure2b"),
        ("figure3", "figure3"),
        ("length", "figure_length"),
        ("mt-bench", "figure_mt_bench"),
        ("refusals", "figure_refusals"),
        ("training", "figure_training_hh_rlhf"),
        ("training", "figure_training_ultrafeedback"),
    ]


def test_a_further_judged_benchmark_is_planned_to_the_report(tmp_path):
    """In Tables 1 and 2 and score against length; MT-Bench by category shows its own alone."""
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    overlay = {"benchmarks": {"rated_2": raw["benchmarks"]["mt_bench"]}}
    overlay["benchmarks"]["played_2"] = raw["benchmarks"]["arena_hard"]
    overlay["tables"] = {"table2": {"also": {"rated_2": ["local"], "played_2": ["local"]}}}
    (tmp_path / "also.yaml").write_text(yaml.safe_dump(overlay))
    command = [SNAKEMAKE, "-n", "-p", "--cores", "2", "--config", f"results={tmp_path}/none"]
    command += ["--configfile", str(tmp_path / "also.yaml")]
    output = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True)
    plan = output.stdout + output.stderr
    scores = re.compile(r"--score \S+,(\w+),local=")
    named = {
        name: set(scores.findall(line)) | set(re.findall(r"benchmarks/(\w+)/questions", line))
        for name in ("table1", "table2", "plot length", "plot mt-bench")
        for line in re.findall(rf"^.*asft --log \S+ {name} .*$", plan, re.MULTILINE)
    }
    both = {"arena_hard", "mt_bench"}
    everything = both | {"rated_2", "played_2"}
    assert named.pop("plot mt-bench") == both
    assert named == dict.fromkeys(("table1", "table2", "plot length"), everything)
    assert re.search(r" judge --settings .* --protocol arena_hard --benchmark \S+/played_2 ", plan)
    assert re.search(r"score-verdicts .*played_2.* --baseline \S+/played_2/judge/baseline", plan)
    assert "played_2/judge/baseline.jsonl" in re.search(r"table1 --settings .*", plan)[0]


def test_figure_1_of_named_methods_is_told_their_settings(tmp_path):
    fields = {"methods": {"simpo": {"beta": 2.5, "gamma": 1.4}}, "figures": {"fields": ["simpo"]}}
    (tmp_path / "fields.yaml").write_text(yaml.safe_dump(fields))
    command = [SNAKEMAKE, "-n", "-p", "--cores", "2", f"{tmp_path}/none/figure1.pdf"]
    command += ["--config", f"results={tmp_path}/none", "--configfile", f"{tmp_path}/fields.yaml"]
    output = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True)
    told = re.search(r"plot figure1 --methods (.*) --out", output.stdout + output.stderr)[1]
    row = {"loss": "simpo", "hyperparameters": {"beta": 2.5, "gamma": 1.4}}
    assert json.loads(shlex.split(told)[0]) == {"simpo": row}


def test_rows_of_trl_stand_beside_ours_in_tables_curves_and_cost(tmp_path):
    """By the same rule, without our reference; Figure 2(b) has an arm more."""
    command = [SNAKEMAKE, "-n", "-p", "--cores", "2", "--config", f"results={tmp_path}/none"]
    command += ["--configfile", "workflow/config/trl.yaml"]
    output = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True)
    plan = output.stdout + output.stderr
    trained = dict(re.findall(r"asft --log \S+/(\w+)/seed42.log train (.*)", plan))
    for method in ("sft", "dpo", "ipo", "orpo"):
        assert "--reference" not in trained[f"{method}_trl"]
    assert "--reference" in trained["dpo"]
    settings = dict(re.findall(r"asft --log \S+/(\w+)/seed42.log settings --run (.*)", plan))
    assert {name for name, run in settings.items() if re.search('"trainer": ?"trl"', run)} == {
        name for name in settings if name.endswith("_trl")
    }
    assert set(re.findall(r" measure-cost .* --arm (\w+)", plan)) == {
        *("dpo_online", "dpo_cached", "dpo_trl", "asft")
    }
    curves = re.search(r" plot training .*", plan)[0]
    table = re.search(r" table3 --settings .*", plan)[0]
    margins = re.search(r" plot figure2a .*", plan)[0]
    for line in (curves, table, margins):
        assert "dpo,42=" in line
        assert "dpo_trl,42=" in line
