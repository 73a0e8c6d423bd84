"""Scoring in several processes: the same numbers in the same order, and no process left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from asft.metrics import parallel
from asft.metrics.bleu_rouge import score_questions

PREDICTIONS = [f"the cat {number} sat on mat {number % 7}" for number in range(30)]
REFERENCES = [[f"a cat {number} is on mat {number % 5}", "今天 mat"] for number in range(30)]


def test_processes_change_no_number(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(parallel, "ANSWERS_PER_PROCESS", 10)
    monkeypatch.setattr(parallel, "BATCH", 7)
    started = []
    pool = parallel.ProcessPoolExecutor
    monkeypatch.setattr(
        parallel,
        "ProcessPoolExecutor",
        lambda count, **kw: started.append(count) or pool(count, **kw),
    )
    found = parallel.score_in_processes(PREDICTIONS, REFERENCES, 2)
    assert started == [2]
    assert list(found.items()) == list(score_questions(PREDICTIONS, REFERENCES).items())


@pytest.mark.parametrize(("processes", "per_process"), [(1, 10), (8, 16)])
def test_one_thread_or_few_answers_start_no_process(
    monkeypatch: pytest.MonkeyPatch, processes: int, per_process: int
):
    monkeypatch.setattr(parallel, "ANSWERS_PER_PROCESS", per_process)
    monkeypatch.setattr(parallel, "ProcessPoolExecutor", None)
    found = parallel.score_in_processes(PREDICTIONS, REFERENCES, processes)
    assert found == score_questions(PREDICTIONS, REFERENCES)


SCRIPT = """
import os
from asft.metrics import parallel

if __name__ == "__main__":
    parallel.ANSWERS_PER_PROCESS = 1
    text = "word " * 20_000  # takes a worker long
    parallel.score_in_processes([text] * 800, [[text]] * 800, 2)
"""


def children(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_workers_end_when_their_parent_is_killed(tmp_path: Path):
    script = tmp_path / "score.py"
    script.write_text(SCRIPT)
    parent = subprocess.Popen([sys.executable, str(script)])
    wait_for(lambda: len(children(parent.pid)) >= 3)  # the resource tracker and two workers
    workers = children(parent.pid)
    time.sleep(2)  # until they work
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def wait_for(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
