"""What is read in the log of the installed Snakemake: planned, made, failed, running."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from asft.watching.jobs import LOGS, newest_run, read_run

SNAKEFILE = """
rule all:
    input: expand("results/{x}.txt", x=["a", "b"]), "results/broken.txt"
rule make:
    output: "results/{x}.txt", "results/more/{x}.txt"
    log: "results/logs/make/{x}.log"
    shell: "echo [[A]] > {output[0]}; echo 'rule fake:' > {output[1]}"
rule breaks:
    output: "results/broken.txt"
    retries: 1
    shell: "false"
ruleorder: breaks > make
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A folder where a small DAG of three jobs was run, of which one fails twice."""
    folder = tmp_path_factory.mktemp("ran")
    (folder / "Snakefile").write_text(SNAKEFILE)
    command = [str(Path(sys.executable).parent / "snakemake"), "--cores", "1", "-k"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    return folder


def test_a_run_that_is_over(ran):
    run = newest_run(ran / "results")
    assert run.folder == ran
    assert run.planned == {"all": 1, "breaks": 1, "make": 2}
    assert run.count("made") == Counter(make=2)
    assert run.count("failed") == Counter(breaks=1)
    assert dict(run.by_rule()) == {
        "all": [0, 1, 0, 0],
        "breaks": [0, 1, 0, 1],
        "make": [2, 2, 0, 0],
    }
    assert run.over
    assert run.running == []
    (job,) = [job for job in run.jobs if job.name == "make b"]
    assert job.files == ["results/b.txt", "results/more/b.txt", "results/logs/make/b.log"]
    assert abs(job.began - run.changed) < 60


def test_a_run_that_goes_on(ran, tmp_path):
    (log,) = (ran / LOGS).iterdir()
    text = log.read_text()
    (tmp_path / "log").write_text(text[: text.rindex("Finished jobid")])
    run = read_run(tmp_path / "log", ran)
    assert not run.over
    assert run.count("made")["make"] == 1
    assert [job.rule for job in run.running] == ["make"]
    (tmp_path / "log").write_text(text[: text.index("Job stats") + 40])
    assert read_run(tmp_path / "log", ran) is None  # not planned yet


def test_a_run_of_other_results_is_not_shown(ran, tmp_path, monkeypatch):
    assert newest_run(ran / "others") is None
    monkeypatch.chdir(ran)
    assert newest_run(tmp_path) is None
    assert newest_run(Path("results")).folder == ran
