"""The whole DAG, killed at random moments: the same bytes in the end, nothing paid twice.

Each kill costs some fifteen seconds: six among all tests, twenty in `make faults`.
"""

import json
import os
import shutil
import signal
import subprocess

import pytest
from judge_server import JudgeServer, completion
from judge_store import stored_rows
from project import BIN, OVERLAY, copy_project, overlay

KILLS = int(os.environ.get("ASFT_KILLS", 4))
TARGETS = ["results/test/table3.csv", "results/test/table2.csv", "results/test/figure2a.csv"]
CONTENT = {
    "judges": {"remote": {"backend": "openai", "model": "judge", "concurrency": 2}},
    "tables": {
        "table3": {"methods": ["base", "dpo", "asft"], "datasets": ["ultrafeedback"]},
        "table2": {
            **{"methods": ["base", "asft"], "controls": ["empty"], "dataset": "ultrafeedback"},
            **{"arena_hard_judge": "remote", "mt_bench_judges": ["remote"]},
        },
    },
    "figures": {"margins": {"methods": ["asft"]}},
}


def prepare(folder, url):
    folder.mkdir()
    project = copy_project(folder)
    content = json.loads(json.dumps(CONTENT))
    content["judges"]["remote"]["base_url"] = url
    overlay(project, "crash.yaml", content)
    return project


def start(project, *arguments):
    command = [BIN / "snakemake", "--cores", "2", *arguments, "--rerun-incomplete"]
    return subprocess.Popen(
        [*map(str, command), "--configfile", OVERLAY, "crash.yaml"],
        cwd=project,
        env=os.environ | {"ASFT_CACHE": str(project / "cache"), "ASFT_CHECKPOINT_MINUTES": "1e-6"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # a process group of its own, to be killed as a whole
    )


def finish(project, *arguments):
    process = start(project, *arguments)
    said, _ = process.communicate()
    assert process.returncode == 0, said[-3000:]


def answered(project):
    """What the judge was asked in the calls whose answers are stored."""
    store = project / "cache" / "judge.answers"
    if not store.exists():
        return set()
    return {row["request"]["messages"][-1]["content"] for row in stored_rows(store)}


def reply(body, before):
    """A verdict that depends on the question alone, after long enough to be killed meanwhile."""
    rating = sum(map(ord, body["messages"][-1]["content"])) % 10 + 1
    return completion(f"[[{rating}]] [[A>B]]", delay=0.3)


def made(project):
    """Every result but logs, what says how long it took, and what a kill has left half-made."""
    root = project / "results/test"
    files = [path.relative_to(root) for path in root.rglob("*") if path.is_file()]
    return {
        str(path): (root / path).read_bytes()
        for path in files
        if path.parts[0] != "logs"
        and path.name != "cost.json"
        and not any(part.startswith(".") for part in path.parts)
    }


def killed(process, seconds):
    """Kill the whole tree after so many seconds, if it has not finished before."""
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return process.returncode == -signal.SIGKILL
    assert process.returncode == 0, said[-3000:]
    return False


@pytest.mark.timeout(900)
def test_killed_at_random_moments(tmp_path, chance, seed, capsys):
    with JudgeServer(reply) as server:
        calm = prepare(tmp_path / "calm", server.url)
        finish(calm, *TARGETS)
        asked = len(server.bodies)
        stormy = prepare(tmp_path / "stormy", server.url)
        shutil.copytree(calm / "cache", stormy / "cache", ignore=shutil.ignore_patterns("judge*"))
        kills = finished = 0
        while kills < KILLS:
            stored, before = answered(stormy), len(server.bodies)
            if killed(start(stormy, *TARGETS), chance.uniform(1, 12)):
                kills += 1
                finish(stormy, "--unlock")
            else:  # nothing was left to be killed: all is made again, the judge's answers are kept
                finished += 1
                assert made(stormy) == made(calm)
                shutil.rmtree(stormy / "results")
            assert not asked_in(server, before) & stored
        stored, before = answered(stormy), len(server.bodies)
        finish(stormy, *TARGETS)
        assert not asked_in(server, before) & stored
    with capsys.disabled():
        print(f"\n{kills} kills, finished {finished} times between them: ASFT_FAULT_SEED={seed}")
    assert made(stormy) == made(calm)
    # At most the calls in flight, two at a time, were asked twice.
    assert asked <= len(server.bodies) - asked <= asked + 2 * KILLS


def asked_in(server, before):
    return {body["messages"][-1]["content"] for body in server.bodies[before:]}
