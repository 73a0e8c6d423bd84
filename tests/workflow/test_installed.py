"""The wheel, away from the checkout: what it brings, a project laid out, and plans in it."""

import os
import subprocess
import sys
import tarfile
import zipfile

import pytest
from project import BIN, ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An unpacked wheel, built of what git knows or would add."""
    folder = tmp_path_factory.mktemp("wheel")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    source = folder / "source"
    with tarfile.open(folder / "source.tar", "w") as archive:
        for name in filter(None, names.split("\0")):
            archive.add(ROOT / name, name)
    with tarfile.open(folder / "source.tar") as archive:
        archive.extractall(source, filter="data")
    build = ["-m", "pip", "wheel", "-q", "--no-build-isolation", "--no-deps", "-w", str(folder)]
    subprocess.run([sys.executable, *build, str(source)], check=True)
    with zipfile.ZipFile(next(folder.glob("asft-*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


def run(installed, folder, *command):
    """Run a command with the unpacked wheel in place of the checkout."""
    environment = os.environ | {"PYTHONPATH": str(installed), "PATH": f"{BIN}:/usr/bin:/bin"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_wheel_brings_the_workflow(installed):
    where = "import asft.config; print(asft.config.PROJECT)"
    project = run(installed, installed.parent, sys.executable, "-c", where).strip()
    assert project == str(installed / "asft/config/project")
    for folder in ("rules", "config", "report", "schemas", "accelerate", "profiles/slurm"):
        names = {path.name for path in (ROOT / "workflow" / folder).iterdir()}
        assert {
            path.name for path in (installed / "asft/config/project/workflow" / folder).iterdir()
        } == names


def test_a_project_is_laid_out_and_planned(installed, tmp_path):
    asft = [sys.executable, "-m", "asft"]
    run(installed, tmp_path, *asft, "init", "mine")
    mine = tmp_path / "mine"
    snakemake = [sys.executable, "-m", "snakemake", "--cores", "2"]
    output = run(installed, mine, *snakemake, "-n")
    assert "rule table3" in output
    overlay = ["--configfile", "workflow/config/test.yaml"]
    target = "results/test/benchmarks/mt_bench/card.json"
    run(installed, mine, *snakemake, target, *overlay)
    assert (mine / target).is_file()
    profile = ["--profile", "workflow/profiles/slurm"]
    run(installed, mine, *asft, "run", "-n", "results/test/table3.csv", *profile, *overlay)


def test_a_config_alone_is_a_project_too(installed, tmp_path):
    (tmp_path / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    given = ["--cores", "2", "-n", "results/paper/table3.csv"]
    paper = ["--configfile", "workflow/config/paper.yaml"]
    output = run(installed, tmp_path, sys.executable, "-m", "asft", "run", *given, *paper)
    assert "rule train" in output
