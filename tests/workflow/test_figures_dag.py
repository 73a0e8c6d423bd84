"""The figures as rules: `all` asks for those that the config has, and rules make them."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SNAKEMAKE = str(Path(sys.executable).parent / "snakemake")


def test_all_plans_each_figure_with_a_command_of_its_own(tmp_path):
    command = [SNAKEMAKE, "-n", "-p", "--cores", "2", "--config", f"results={tmp_path}/none"]
    output = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True)
    plan = output.stdout + output.stderr
    commands = re.findall(rf"asft --log \S+ plot (\S+) .*--out {tmp_path}/none/(\S+)\.pdf", plan)
    assert sorted(set(commands)) == [
        ("differences", "figure_differences"),
        ("figure1", "figure1"),
        ("figure2a", "figure2a"),
        ("figure2b", "figure2b"),
        ("figure3", "figure3"),
        ("length", "figure_length"),
        ("mt-bench", "figure_mt_bench"),
        ("training", "figure_training_hh_rlhf"),
        ("training", "figure_training_ultrafeedback"),
    ]
