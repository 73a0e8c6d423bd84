"""Several jobs share a store on a file system without locks: nothing is lost or asked twice."""

import json
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from judge_calls import GOOD
from judge_server import JudgeServer, Reply, until
from judge_store import stored_rows

ROOT = Path(__file__).parents[2]
JOBS, CALLS = 8, 300
JOB = """
import errno, fcntl, sys

def locked(*_):
    raise OSError(errno.ENOLCK, "No locks available")

fcntl.flock = fcntl.lockf = fcntl.fcntl = locked
from asft.generation.endpoint.ask import ask
from asft.generation.endpoint.store import Store
sys.path[:0] = ["tests"]
from judge_calls import endpoint, questions
url, folder, calls = sys.argv[1], sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
with Store(folder) as store:
    outcomes = ask(endpoint(url, concurrency=4, timeout_s=60), questions(calls), store)
print(sum(outcome.answer is not None for outcome in outcomes))
print(sum(outcome.attempts for outcome in outcomes))
"""


def started(url: str, folder: Path) -> list[subprocess.Popen[str]]:
    """Jobs that begin together."""
    command = [sys.executable, "-c", JOB, url, str(folder), str(CALLS)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    pipes |= {"stderr": subprocess.PIPE, "text": True}
    jobs = [subprocess.Popen(command, cwd=ROOT, **pipes) for _ in range(JOBS)]
    for job in jobs:
        assert job.stdout is not None
        assert job.stdout.readline() == "ready\n"
    for job in jobs:
        assert job.stdin is not None
        job.stdin.write("go\n")
        job.stdin.flush()
    return jobs


def finished(jobs: list[subprocess.Popen[str]]) -> list[int]:
    """Wait until each has all answers; how many requests each has sent."""
    said = [job.communicate() for job in jobs]
    assert [job.returncode for job in jobs] == [0] * len(jobs), said
    assert [out.split()[0] for out, _ in said] == [str(CALLS)] * len(jobs)
    return [int(out.split()[1]) for out, _ in said]


def stored_by(job: subprocess.Popen[str], folder: Path) -> set[str]:
    """The questions whose answers this job has stored."""
    files = folder.glob(f"*-{job.pid}-*.jsonl")
    rows = [json.loads(row) for file in files for row in file.read_text().split("\n")[:-1]]
    return {row["request"]["messages"][0]["content"] for row in rows}


def test_jobs_that_share_all_calls_ask_none_twice(tmp_path: Path) -> None:
    with JudgeServer([GOOD._replace(delay=0.05)]) as server:
        sent = finished(started(server.url, tmp_path / "judge.answers"))
        assert len(server.bodies) == sum(sent) == CALLS
        assert set(server.seen.values()) == {1}
    assert sum(count > 0 for count in sent) > 1
    assert len(stored_rows(tmp_path / "judge.answers")) == CALLS
    assert {path.suffix for path in (tmp_path / "judge.answers").iterdir()} == {".jsonl"}


def test_one_that_is_killed_costs_only_what_it_was_asking(
    tmp_path: Path, chance: random.Random
) -> None:
    moment = chance.randrange(20, CALLS - 50)

    def script(body: dict[str, Any], before: int) -> Reply:
        return GOOD._replace(delay=chance.uniform(0, 0.1))

    folder = tmp_path / "judge.answers"
    with JudgeServer(script) as server:
        jobs = started(server.url, folder)
        # One of those that have stored something: on a busy machine the others may take all.
        until(lambda: len(server.bodies) >= moment and any(stored_by(job, folder) for job in jobs))
        victim = chance.choice([job for job in jobs if stored_by(job, folder)])
        jobs.remove(victim)
        victim.kill()
        assert victim.wait() == -signal.SIGKILL
        # Others may have asked by now what it was asking, and stored that.
        stored = stored_by(victim, folder)
        finished(jobs)
        assert len(server.seen) == CALLS
        assert {server.seen[question] for question in stored} == {1}
        assert len(server.bodies) <= CALLS + 4  # what the victim had in flight
    assert len({row["key"] for row in stored_rows(folder)}) == CALLS
