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


def overlay(folder, name, content):
    (folder / name).write_text(yaml.safe_dump(content))
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
