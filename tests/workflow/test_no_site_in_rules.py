"""Whose cluster it is stands in the profile alone: rules and configs say what a job is."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [
    ROOT / "Snakefile",
    ROOT / "config.yaml",
    *sorted((ROOT / "workflow/rules").rglob("*.smk")),
    *sorted((ROOT / "workflow/config").glob("*.yaml")),
]
# Options of sbatch and resources of Snakemake's executors that name something of one site.
SITE = re.compile(
    r"\b(slurm_\w+|partition|account|gres|constraint|qos|nodelist|nodes?|reservation|gpu_model)"
    r"\s*[=:]|--(partition|account|gres|constraint|qos)\b|\bsbatch\b"
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_of_a_site_outside_the_profile(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    code = [line.partition("#")[0] for line in lines]
    assert [line for line in code if SITE.search(line)] == []


def test_the_profile_would_be_noticed():
    profile = (ROOT / "workflow/profiles/slurm/config.yaml").read_text(encoding="utf-8")
    assert SITE.search(profile)
