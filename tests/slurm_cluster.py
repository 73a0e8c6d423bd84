"""Snakemake on a SLURM of one node, as its user meets it. tests/slurm starts the node."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from project import OVERLAY

# The profile is for clusters of many nodes. On one with two CPUs: jobs of one CPU.
SMALL = ["--cores", "1", "--max-threads", "1"]
IMPATIENT = [sys.executable, str(Path(__file__).with_name("impatient_snakemake.py"))]
FIELDS = {  # squeue's names → ours
    "JobID": "id",
    "State": "state",
    "MinMemory": "memory",
    "TimeLimit": "limit",
    "tres-per-job": "gpus",
    "Comment": "comment",
}
WIDTH = 200  # of a column


class Cluster:
    """The running node."""

    def __init__(self, folder: Path) -> None:
        self.environment = os.environ | {
            "PATH": "/usr/bin:/bin",
            "SLURM_CONF": str(folder / "slurm.conf"),
        }

    def ask(self, *command: str) -> str:
        """Output of a SLURM command."""
        result = subprocess.run(command, env=self.environment, text=True, capture_output=True)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def start(self, folder: Path, *arguments: str, overlays=()) -> subprocess.Popen:
        """Start snakemake with the project's profile; its output goes to `snakemake.log`."""
        command = [*IMPATIENT, "--profile", "workflow/profiles/slurm", *arguments]
        with (folder / "snakemake.log").open("w") as log:
            return subprocess.Popen(
                [*command, *SMALL, "--configfile", OVERLAY, *overlays],
                cwd=folder,
                env=self.environment | {"ASFT_CACHE": str(folder / "cache")},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def finish(self, folder: Path, process: subprocess.Popen, seconds: int = 400) -> str:
        """Wait for success; returns what snakemake printed."""
        try:
            process.wait(timeout=seconds)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(timeout=60)
        output = (folder / "snakemake.log").read_text()
        assert process.returncode == 0, output
        return output

    def run(self, folder: Path, *arguments: str, overlays=()) -> str:
        """Start and finish."""
        return self.finish(folder, self.start(folder, *arguments, overlays=overlays))

    def jobs(self, *, after: int = 0, only: str = "") -> list[dict[str, str]]:
        """SLURM jobs with a higher id than `after` whose comment names `only`, oldest first."""
        columns = ",".join(f"{name}:{WIDTH}" for name in FIELDS)
        rows = []
        for line in self.ask("squeue", "-h", "--states=all", "--Format", columns).splitlines():
            cells = [line[i * WIDTH : (i + 1) * WIDTH].strip() for i in range(len(FIELDS))]
            rows.append(dict(zip(FIELDS.values(), cells, strict=True)))
        found = [row for row in rows if int(row["id"]) > after and only in row["comment"]]
        return sorted(found, key=lambda row: int(row["id"]))

    def newest(self) -> int:
        """The last job's id so far."""
        return max((int(job["id"]) for job in self.jobs()), default=0)


def wait_for(condition, seconds=180):
    """What the condition returns, once it is true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"not true after {seconds} s"
        time.sleep(0.2)
    return found
