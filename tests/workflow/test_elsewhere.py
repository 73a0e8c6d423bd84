"""The workflow away from its checkout: another working folder, a module, a copy. Plans only."""

import os
import subprocess

import pytest
from project import BIN, OVERLAY, ROOT

BASE = ["--configfile", str(ROOT / "config.yaml"), str(ROOT / OVERLAY)]


def run(folder, *arguments):
    """Run snakemake in a folder; returns its status, and stdout and stderr together."""
    done = subprocess.run(
        [str(BIN / "snakemake"), "--cores", "2", *arguments],
        cwd=folder,
        env=os.environ | {"PATH": "/usr/bin:/bin"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.returncode, done.stdout


def test_the_bundled_data_belong_to_the_workflow(tmp_path):
    """A real job: what the plan finds the step finds too."""
    (tmp_path / "mine").mkdir()
    where = ["-s", str(ROOT / "Snakefile"), "-d", "mine"]
    target = "results/test/benchmarks/alpaca_en/card.json"
    status, output = run(tmp_path, *where, target, *BASE)
    assert status == 0, output
    assert (tmp_path / "mine" / target).is_file()
    status, output = run(tmp_path, *where, "-n", *BASE)
    assert status == 0, output


MODULE = """
configfile: "config.yaml"
module asft:
    snakefile: {snakefile!r}
    config: config["asft"]
    {more}
use rule * from asft as asft_*
rule mine:
    input: "{table}"
    output: "mine.txt"
    shell: "cp {{input}} {{output}}"
"""


@pytest.mark.parametrize(
    ("more", "table"),
    [
        ("", "results/table3.csv"),
        ('prefix: "sub"', "sub/results/table3.csv"),
        ('pathvars: results="made"', "made/table3.csv"),
    ],
)
def test_as_a_module(tmp_path, more, table):
    """With the default experiment as a section of another workflow's config."""
    lines = (ROOT / "config.yaml").read_text().splitlines()
    (tmp_path / "config.yaml").write_text("asft:\n" + "\n".join(f"  {line}" for line in lines))
    snakefile = str(ROOT / "Snakefile")
    text = MODULE.format(snakefile=snakefile, more=more, table=table)
    (tmp_path / "Snakefile").write_text(text)
    status, output = run(tmp_path, "-n", "mine.txt")
    assert status == 0, output
    assert "asft_train" in output
    # What is checked of the results' folder is checked where they lie.
    data = (tmp_path / table).parent / "data/ultrafeedback"
    data.parent.mkdir(parents=True)
    data.symlink_to(tmp_path)
    status, output = run(tmp_path, "-n", "mine.txt")
    assert status != 0
    assert f"{data.relative_to(tmp_path)} is a link to" in output


def test_the_users_own_file_wins(tmp_path):
    (tmp_path / "asft/demo").mkdir(parents=True)
    (tmp_path / "asft/demo/alpaca_en.json").write_text("{")
    target = "results/test/benchmarks/alpaca_en/card.json"
    status, output = run(tmp_path, "-s", str(ROOT / "Snakefile"), target, *BASE)
    assert status != 0
    assert "alpaca_en.json" in output
    assert "not JSON" in output


def test_a_base_config_that_was_not_read_is_said(tmp_path):
    (tmp_path / "mine.yaml").write_text("trainng: {epochs: 1}")
    where = ["-s", str(ROOT / "Snakefile"), "-n", "--configfile"]
    status, output = run(tmp_path, *where, str(ROOT / OVERLAY), "mine.yaml")
    assert status != 0
    assert f"config.yaml was not read, for there is none in {tmp_path}" in output
    assert "did you mean 'training'?" in output
    assert "Field required" not in output


def test_numbers_and_null_on_the_command_line():
    """What a file says can be said by --config: Table 2 off, another β, two seeds."""
    given = ["tables={table2: null}", "figures={cost: null}", "methods={asft: {beta: 0.3}}"]
    target = "results/test/runs/hh_rlhf/asft/seed42/settings.yaml"
    arguments = ["-n", "-p", target, "--configfile", OVERLAY, "--config", *given]
    status, output = run(ROOT, *arguments)
    assert status == 0, output
    assert '"hyperparameters": {"beta": 0.3}' in output
    status, output = run(ROOT, "-n", "results/test/table2.csv", *arguments[3:])
    assert status != 0
    assert "No rule to produce results/test/table2.csv" in output
