"""What the judge client costs beside the server's time, and what several jobs lose or ask twice.

By hand: `python bench/judge_calls.py [CALLS] [CONCURRENCY] [LATENCY_S] [JOBS]` (1000, 32, 0.2, 8).
First one job: its time as a ratio to the ideal, calls / concurrency · latency. Then JOBS processes,
each with all CALLS, that share a store in a process where every lock fails. The server runs in a
process of its own on the loopback interface; the store is on a real disk.
"""

import errno
import fcntl
import multiprocessing
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from asft.generation.endpoint.ask import Request, ask, shortfall
from asft.generation.endpoint.client import Endpoint
from asft.generation.endpoint.store import Store

SERVER = Path(__file__).parents[1] / "tests" / "judge_server.py"


@contextmanager
def server(latency: float) -> Iterator[str]:
    """Start a judge that answers each call after `latency` seconds; yield its URL."""
    command = [sys.executable, str(SERVER), str(latency)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def judge(url: str, calls: int, concurrency: int, folder: Path) -> tuple[float, int]:
    """Seconds for `calls` different questions, and how many of them have no answer."""
    endpoint = Endpoint(base_url=url, model="judge", concurrency=concurrency)
    text = "word " * 500
    requests = [Request([{"role": "user", "content": f"{n} {text}"}]) for n in range(calls)]
    with Store(folder) as store:
        start = time.perf_counter()
        outcomes = ask(endpoint, requests, store)
        seconds = time.perf_counter() - start
    if missing := shortfall(outcomes):
        print(missing)
    return seconds, sum(outcome.answer is None for outcome in outcomes)


def _no_locks() -> None:
    def fail(*_: object) -> NoReturn:
        raise OSError(errno.ENOLCK, "No locks available")

    fcntl.flock = fcntl.lockf = fcntl.fcntl = fail


def one_job(calls: int, concurrency: int, latency: float) -> None:
    """Print the time of one job, the ideal and their ratio."""
    ideal = calls / concurrency * latency
    with server(latency) as url, tempfile.TemporaryDirectory() as folder:
        seconds, missing = judge(url, calls, concurrency, Path(folder, "judge.answers"))
    print(
        f"{calls} calls of {latency:g} s, concurrency {concurrency}: {seconds:.2f} s, "
        f"ideal {ideal:.2f} s, ratio {seconds / ideal:.2f}, {missing} without an answer"
    )


def several_jobs(jobs: int, calls: int, concurrency: int, latency: float) -> None:
    """Print how many calls of several jobs that share a store are lost, and asked twice."""
    with server(latency) as url, tempfile.TemporaryDirectory() as folder:
        given = (url, calls, concurrency, Path(folder, "judge.answers"))
        with multiprocessing.get_context("spawn").Pool(jobs, _no_locks) as pool:
            outcomes = pool.starmap(judge, [given] * jobs, chunksize=1)
            pool.close()
            pool.join()  # leaving the block would kill them
        with urllib.request.urlopen(url) as reply:
            asked = int(reply.read())
    slowest, lost = max(seconds for seconds, _ in outcomes), sum(lost for _, lost in outcomes)
    print(
        f"{jobs} jobs with the same {calls} calls, no locks: {slowest:.2f} s, {lost} lost, "
        f"{asked - calls} asked twice"
    )


def main() -> None:
    """Measure one job, then several."""
    numbers = [float(word) for word in sys.argv[1:]]
    calls, concurrency, latency, jobs = numbers + [1000.0, 32.0, 0.2, 8.0][len(numbers) :]
    one_job(int(calls), int(concurrency), latency)
    several_jobs(int(jobs), int(calls), int(concurrency), latency)


if __name__ == "__main__":
    main()
