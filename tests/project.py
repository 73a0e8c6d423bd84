"""A copy of the project, and snakemake in it as its user starts it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
OVERLAY = "workflow/config/test.yaml"


def snakemake(folder, *arguments, overlays=(), check=True):
    """Run snakemake on a copy of the project; returns stdout and stderr together."""
    configs = ["--configfile", OVERLAY, *overlays]
    command = [str(BIN / "snakemake"), "--cores", "2", *arguments, *configs]
    # Found by path alone, as with an environment that is not activated.
    environment = os.environ | {"PATH": "/usr/bin:/bin", "ASFT_CACHE": str(folder / "cache")}
    result = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if check:
        assert result.returncode == 0, result.stdout
    return result.stdout


def planned(output):
    """Rule → number of jobs, from the job stats of a dry run."""
    if "Nothing to be done" in output:
        return {}
    lines = output.split("Job stats:")[-1].strip().splitlines()[2:]
    jobs = {}
    for line in lines:
        if not line.strip():
            break
        name, count = line.split()
        jobs[name] = int(count)
    return {name: count for name, count in jobs.items() if name not in ("all", "total")}


def overlay(folder, name, content):
    (folder / name).write_text(yaml.safe_dump(content, sort_keys=False))
    return name


def copy_project(target):
    for name in ("Snakefile", "config.yaml", "workflow"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name)
        else:
            shutil.copy(source, target / name)
    (target / "asft").mkdir()
    for data in ("demo", "prompts"):
        shutil.copytree(ROOT / "asft" / data, target / "asft" / data)
    return target
