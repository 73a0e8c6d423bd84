"""`asft plan` in a project of its own: Snakemake's jobs, and nothing made."""

import os
import subprocess
import sys

import pytest
from project import OVERLAY, copy_project

from asft.cli import plan as command
from asft.errors import UserError

TABLE2 = "results/test/table2.csv"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return copy_project(tmp_path_factory.mktemp("plan"))


def test_a_plan_from_nothing(folder):
    """The tiny model's Table 2: each rule with its jobs, the judge's calls counted ahead."""
    words = [sys.executable, "-m", "asft", "plan", "--csv", "plan.csv", TABLE2]
    words += ["--configfile", OVERLAY]
    before = sorted(folder.iterdir())
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line}
    assert rows["fetch_model"][1:3] == ["1", "0"]
    assert rows["train"][-1] == "parameters"
    assert "jobs to do, 0 there" in done.stdout
    assert int(rows["local"][2]) > 0
    made = {path.name for path in folder.iterdir()} - {path.name for path in before}
    assert made <= {"plan.csv", ".snakemake"}


def test_configs_are_those_that_snakemake_would_read(folder, monkeypatch):
    """Overlays, then --config; of several base models one each before the whole."""
    monkeypatch.chdir(folder)

    def results(*words):
        known = command._parser().parse_known_args(["-n", TABLE2, *words])[0]
        return [config.results for config in command._configs(known)]

    assert results() == ["results"]
    assert results("--configfile", OVERLAY) == ["results/test"]
    assert results("--configfile", OVERLAY, "--config", "results=x") == ["x"]
    models = "base_models={smollm2-135m-instruct: {}}"
    assert results("--config", models) == ["results/smollm2-135m-instruct", "results"]
    with pytest.raises(UserError, match="--config note: expected KEY=VALUE"):
        results("--config", "note")


def test_what_snakemake_cannot_plan_is_said(folder, monkeypatch):
    monkeypatch.chdir(folder)
    with pytest.raises(UserError, match=r"cannot plan this:\n(.*\n)*.*results/nothing\.csv"):
        command.plan(["results/nothing.csv"])
