"""CPU seconds of a local judge's calls, now and before, and how far its numbers moved.

By hand: python bench/judging.py REVISION [--results results] [--benchmark arena_hard] [--repeats 3]
Judges the base model's answers with the default judge into an empty store, with the code of
REVISION (in a worktree) and of this folder in turn, on one thread; medians count, without the
judge's loading. Needs the answers in `results` (snakemake --cores all
results/runs/base/completions/arena_hard.jsonl).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from starts import ROOT, worktree

# In the code of either: judges, and says what its calls took and what they found.
CHILD = """
import json, sys, time
from pathlib import Path
from asft.files import read_json_rows
from asft.judging import judge_answers, local

load, loading = local.LocalJudge.__init__, []

def timed(*given, **more):
    began = time.process_time()
    load(*given, **more)
    loading.append(time.process_time() - began)

local.LocalJudge.__init__ = timed
settings, protocol, *paths = json.loads(sys.argv[1])
began = time.process_time()
judge_answers(settings, protocol, *map(Path, paths))
took = time.process_time() - began - sum(loading)
rows = read_json_rows(Path(paths[2]))
print(json.dumps({"calls_s": took, "load_s": sum(loading), "verdicts": rows}))
"""


def judged(code: Path, settings: dict[str, Any], results: Path, benchmark: str) -> dict[str, Any]:
    """What the child prints that runs the package in `code`."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = results / "benchmarks" / benchmark
        answers = results / f"runs/base/completions/{benchmark}.jsonl"
        model = results / "models" / settings["model"]
        paths = [folder, answers, f"{scratch}/verdicts.jsonl", model, f"{scratch}/store"]
        given = json.dumps([json.dumps(settings), benchmark, *map(str, paths)])
        done = subprocess.run(
            [sys.executable, "-c", CHILD, given],
            env=os.environ | {"PYTHONPATH": str(code), "OMP_NUM_THREADS": "1"},
            cwd=code,
            stdout=subprocess.PIPE,
            check=True,
        )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def moved(now: list[dict[str, Any]], before: list[dict[str, Any]]) -> str:
    """How far probabilities are from those before, at most, and how many verdicts differ."""
    pairs = list(zip(now, before, strict=True))
    most = max(
        abs(share - b["probabilities"][name])
        for a, b in pairs
        for name, share in a["probabilities"].items()
    )
    other = sum(a.get("label") != b.get("label") for a, b in pairs)
    return f"probabilities differ by up to {most:.1e}; {other} of {len(pairs)} labels differ"


def main() -> None:
    """Print the medians of both, their ratio, and what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revision")
    parser.add_argument("--results", type=Path, default=ROOT / "results")
    parser.add_argument("--benchmark", choices=["arena_hard", "mt_bench"], default="arena_hard")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    settings = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))["judges"]["local"]
    settings |= {"precision": given.precision}
    found: dict[str, list[dict[str, Any]]] = {"before": [], "now": []}
    with worktree(given.revision) as before:
        for _ in range(given.repeats):
            for name, code in {"before": before, "now": ROOT}.items():
                run = judged(code, settings, given.results.resolve(), given.benchmark)
                found[name].append(run)
    medians = {
        name: {unit: statistics.median(run[unit] for run in runs) for unit in ("calls_s", "load_s")}
        for name, runs in found.items()
    }
    for name, units in medians.items():
        print(name, {unit: round(value, 2) for unit, value in units.items()})
    print(f"ratio of calls: {medians['now']['calls_s'] / medians['before']['calls_s']:.2f}")
    now, before = (found[name][0]["verdicts"] for name in ("now", "before"))
    print(moved(now, before))


if __name__ == "__main__":
    main()
