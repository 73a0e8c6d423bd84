"""A project is laid out whole or not at all; `asft run` adds what is not here."""

import sys

import pytest
import yaml

from asft.cli import project
from asft.config import PROJECT
from asft.errors import UserError


def test_a_project_is_what_can_be_edited(tmp_path):
    folder = tmp_path / "new/mine"
    project.init(folder)
    assert (folder / "config.yaml").read_bytes() == (PROJECT / "config.yaml").read_bytes()
    assert yaml.safe_load((folder / "workflow/profiles/slurm/config.yaml").read_text())["cores"]
    assert (folder / "workflow/config/paper.yaml").is_file()
    assert not (folder / "workflow/rules").exists()
    assert "results/" in (folder / ".gitignore").read_text().split()
    assert not [path for path in folder.rglob("*") if path.is_symlink()]


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "config.yaml").write_text("mine")
    with pytest.raises(UserError, match=r"has config\.yaml already"):
        project.init(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]
    assert (tmp_path / "config.yaml").read_text() == "mine"


@pytest.fixture
def executed(tmp_path, monkeypatch):
    """What would be executed, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    calls = []
    monkeypatch.setattr(project.os, "execv", lambda path, arguments: calls.append(arguments))
    return calls


def test_what_is_not_here_is_the_packages(executed, tmp_path):
    project.run(["-n", "results/x", "--configfile", "workflow/config/paper.yaml"])
    paper, snakefile = PROJECT / "workflow/config/paper.yaml", PROJECT / "Snakefile"
    added = ["--snakefile", str(snakefile), "-n", "results/x", "--configfile", str(paper)]
    assert executed == [[sys.executable, "-m", "snakemake", *added]]


@pytest.mark.parametrize("given", [["-s", "other"], ["--snakefile=other"]])
def test_a_snakefile_that_is_named_stays(executed, given):
    project.run(given)
    assert executed == [[sys.executable, "-m", "snakemake", *given]]


def test_what_is_here_stays(executed, tmp_path):
    project.init(tmp_path)
    given = ["--profile", "workflow/profiles/slurm"]
    project.run(given)
    assert executed == [[sys.executable, "-m", "snakemake", *given]]
