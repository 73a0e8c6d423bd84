"""A SLURM for these tests, stopped after them; where there can be none they skip and say why."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from slurm_cluster import Cluster

HERE = Path(__file__).parent
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue")
OWN_SLURM = 3  # exit status of cluster.sh


def pytest_collection_modifyitems(items):
    """Everything here is marked, so that `-m "not slurm"` leaves it out, and has time to wait."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slurm)
            item.add_marker(pytest.mark.optional)
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    if os.geteuid() != 0:
        pytest.skip("a SLURM of our own needs root")
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        pytest.skip(f"no SLURM here, missing: {', '.join(missing)} (see tests/slurm/cluster.sh)")
    folder = tmp_path_factory.mktemp("slurm")
    script = HERE / "cluster.sh"
    started = subprocess.run([script, "up", folder, "2"], text=True, capture_output=True)
    try:
        if started.returncode == OWN_SLURM:
            pytest.skip(started.stderr.strip())
        assert started.returncode == 0, started.stdout + started.stderr
        yield Cluster(folder)
    finally:
        subprocess.run([script, "down", folder], check=True)
