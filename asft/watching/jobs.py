"""The jobs that the newest run of Snakemake planned, as its log says; no lock is asked for.

Snakemake writes `.snakemake/log/{date}.snakemake.log` in its working folder: a table of how many
jobs each rule has, a block as a job begins, a line as it ends.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

LOGS = ".snakemake/log"
COUNTS = ("made", "planned", "running", "failed")
LOOKED_AT = 20  # logs, the newest first
_PLANNED = re.compile(r"Job stats:\n.*\n-.*\n((?:\S+ +\d+\n)+)")
_TIME = re.compile(r"\[(\w{3} \w{3} [ \d]\d [\d:]{8} \d{4})\]")
_BEGINS = re.compile(r"\s*(?:local)?(?:rule|checkpoint) (\S+):")
_FIELD = re.compile(r"\s+(output|log|jobid|wildcards): (.*)")
_ENDED = re.compile(r"Finished jobid: (\d+)")
_OVER = "Complete log(s):"


@dataclass
class Job:
    """One job of a rule, from its begin on."""

    rule: str
    began: float | None  # seconds since 1970
    fields: dict[str, str] = field(default_factory=dict)
    state: str = "running"  # made, failed

    @property
    def files(self) -> list[str]:
        """Return its outputs and its log, relative to the working folder."""
        found = [self.fields[name] for name in ("output", "log") if name in self.fields]
        return [path for text in found for path in text.split(", ")]

    @property
    def name(self) -> str:
        """Return its rule and wildcards."""
        pairs = self.fields.get("wildcards", "").split(", ")
        return " ".join([self.rule, *(pair.partition("=")[2] for pair in pairs)]).strip()


@dataclass
class Run:
    """A run of Snakemake: how many jobs of each rule it planned, and those that have begun."""

    folder: Path  # where it works
    planned: dict[str, int]
    jobs: list[Job]
    over: bool
    changed: float  # when its log grew last

    def count(self, state: str) -> Counter[str]:
        """Return the number of jobs in a state, by rule."""
        return Counter(job.rule for job in self.jobs if job.state == state)

    @property
    def running(self) -> list[Job]:
        """Return the jobs that have begun and not ended; none of a run that is over."""
        return [] if self.over else [job for job in self.jobs if job.state == "running"]

    def by_rule(self) -> list[tuple[str, list[int]]]:
        """Return the numbers of `COUNTS` of each rule."""
        made, failed = self.count("made"), self.count("failed")
        running = Counter(job.rule for job in self.running)
        return [
            (rule, [made[rule], planned, running[rule], failed[rule]])
            for rule, planned in self.planned.items()
        ]


def newest_run(results: Path) -> Run | None:
    """Return the newest run that made something below `results`, or has not begun a job yet."""
    here = results.resolve()
    for folder in dict.fromkeys([Path.cwd(), here, *here.parents]):
        logs = sorted((folder / LOGS).glob("*.snakemake.log"), reverse=True)
        for log in logs[:LOOKED_AT]:
            run = read_run(log, folder)
            if run and _is_of(run, here):
                return run
    return None


def read_run(log: Path, folder: Path) -> Run | None:
    """Read a log of Snakemake; None if it planned no job, or not yet."""
    text = log.read_text(encoding="utf-8", errors="replace")
    if not (table := _PLANNED.search(text)):
        return None
    rows = [line.split() for line in table[1].splitlines()]
    planned = {rule: int(count) for rule, count in rows if rule != "total"}
    jobs = _jobs(text[table.end() :])
    for rule, count in Counter(job.rule for job in jobs).items():  # a checkpoint may plan more
        planned[rule] = max(count, planned.get(rule, 0))
    return Run(folder, planned, jobs, _OVER in text, log.stat().st_mtime)


def _jobs(text: str) -> list[Job]:
    jobs: dict[str, Job] = {}
    now, job, in_error = None, Job("", None), False
    for line in text.splitlines():
        if found := _TIME.fullmatch(line.strip()):
            now, in_error = time.mktime(time.strptime(found[1])), False
        elif line.lstrip().startswith("Error in "):
            in_error = True
        elif found := _ENDED.match(line):
            if found[1] in jobs:
                jobs[found[1]].state = "made"
        elif found := _BEGINS.fullmatch(line):
            job = Job(found[1], now)
        elif found := _FIELD.fullmatch(line):
            name, value = found.groups()
            if name != "jobid":
                job.fields.setdefault(name, value)
            elif not in_error:
                jobs[value] = job
            elif value in jobs:
                jobs[value].state = "failed"
    return list(jobs.values())


def _is_of(run: Run, results: Path) -> bool:
    files = [(run.folder / path).resolve() for job in run.jobs for path in job.files]
    return not files or any(path.is_relative_to(results) for path in files)
