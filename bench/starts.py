"""How long each step takes to start: `asft` on a random model and a few rows, now and before.

Writes starts.csv beside this. By hand: python bench/starts.py [REVISION] [--repeats 5] [--steps …]
Every step is run whole, with next to nothing to do, so that what it takes is its start: Python, its
imports, a model of 0.1 million parameters. Those of REVISION (in a worktree) and of this folder
alternate, on one thread; medians count. CPU seconds hold on a machine that has other work as well.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent
TRAINING = {"epochs": 1, "batch_size": 4, "precision": "fp32"}
GENERATION = {"decoding": {"max_new_tokens": 2}, "generation": {"precision": "fp32"}}
RUN = {"model": "tiny", "dataset": "toy", "method": "dpo", "seed": 0, "loss": "dpo"}


def _local(path: str) -> list[dict[str, str]]:
    return [{"local": f"ROOT/asft/{path}"}]


SETTINGS: dict[str, dict[str, Any]] = {
    "fetch-model": {"sources": [{"random": 0}]},
    "prepare-benchmark": {
        **{"protocol": "references", "format": "alpaca", "limit": 4},
        "sources": _local("demo/alpaca_en.json"),
    },
    "prepare-benchmark (judged)": {
        **{"protocol": "mt_bench", "format": "mt_bench", "limit": 1},
        "sources": _local("demo/mt_bench_questions.jsonl"),
        "prompts": _local("prompts/demo_judge_prompts.jsonl"),
        "references": _local("demo/mt_bench_references.jsonl"),
    },
    "prepare-dataset": {
        "dataset": {
            **{"format": "hh_rlhf", "limit": 8, "heldout": 4},
            "sources": _local("demo/hh_rlhf.jsonl"),
        },
        "tokens": {"max_length": 512},
    },
    "reference": TRAINING,
    "generate": GENERATION,
    "generate (judged)": GENERATION,
    "judge": {"backend": "local", "model": "tiny", "precision": "fp32"},
    "table3": {"benchmark": "toy", "model": "tiny", "note": "", "statistics": {}},
    "plot training": {"dataset": "toy", "model": "tiny", "note": "", "methods": ["dpo"]},
}
PLAN = "snakemake -n"  # of the default experiment, of which nothing is made
_TRAINED = "--model MADE/tiny --tokens MADE/data/tokens"
_ALPACA = "--questions MADE/alpaca/questions.jsonl"
_JUDGED = "--questions MADE/mt_bench/questions.jsonl"
_ANSWERED = "--completions MADE/mt_bench.jsonl"
# Each reads under MADE what those before it wrote under OUT.
STEPS = {
    "help": "",
    "fetch-model": "--out OUT/tiny",
    "prepare-benchmark": "--name alpaca --out OUT/alpaca",
    "prepare-benchmark (judged)": "--name mt_bench --out OUT/mt_bench",
    "prepare-dataset": "--name toy --model MADE/tiny --out OUT/data",
    "settings": "--data-card MADE/data/counts.json --model-card MADE/tiny/card.json"
    " --out OUT/run/settings.yaml --run RUN",
    "reference": f"{_TRAINED} --out OUT/reference.parquet",
    "train": f"{_TRAINED} --settings MADE/run/settings.yaml --reference MADE/reference.parquet"
    " --out OUT/run",
    "generate": f"--policy MADE/tiny {_ALPACA} --out OUT/alpaca.jsonl",
    "generate (judged)": f"--policy MADE/tiny {_JUDGED} --out OUT/mt_bench.jsonl",
    "judge": f"--protocol mt_bench --benchmark MADE/mt_bench {_ANSWERED} --judge-model MADE/tiny"
    " --store OUT/store --out OUT/verdicts.jsonl",
    "score-verdicts": f"--protocol mt_bench {_JUDGED} {_ANSWERED}"
    " --verdicts MADE/verdicts.jsonl --out OUT/ratings.csv",
    "score": f"{_ALPACA} --completions MADE/alpaca.jsonl --out OUT/scores.csv",
    "table3": "--score toy,dpo,0=MADE/scores.csv --out OUT/table3.csv",
    "plot training": "--history dpo,0=MADE/run/history.csv --out OUT/training.pdf",
    "plot figure1": "--out OUT/figure1.pdf",
}


def words(step: str, made: Path, out: Path) -> list[str]:
    """A step's command, which reads under `made` and writes under `out`."""
    run = RUN | {"hyperparameters": {"beta": 0.1}, "training": TRAINING}
    given = STEPS[step].split()
    if step in SETTINGS:
        given += ["--settings", json.dumps(SETTINGS[step])]
    places = {"MADE": made, "OUT": out, "ROOT": ROOT}
    name = "--help" if step == "help" else step.partition(" (")[0]
    found = [
        *name.split(),
        *(json.dumps(run) if word == "RUN" else word for word in given),
    ]
    for place, path in places.items():
        found = [word.replace(f"{place}/", f"{path}/") for word in found]
    return found


def start(code: Path, command: list[str]) -> dict[str, float]:
    """Wall and CPU seconds, and peak memory, of a command run by the package in `code`."""
    environment = os.environ | {"PYTHONPATH": str(code), "OMP_NUM_THREADS": "1"}
    began = time.perf_counter()
    child = subprocess.Popen(
        command, env=environment, cwd=code, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert child.stderr is not None
    said = child.stderr.read().decode()
    _, status, used = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)}\n{said}")
    return {
        "wall_s": time.perf_counter() - began,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_mb": used.ru_maxrss / 1024,
    }


@contextmanager
def worktree(revision: str) -> Iterator[Path]:
    """The package as it was, in a folder of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run(
            [*git, "add", "--detach", scratch, revision], check=True, capture_output=True
        )
        try:
            yield Path(scratch)
        finally:
            subprocess.run([*git, "remove", "--force", scratch], check=True)


def measure(step: str, codes: dict[str, Path], made: Path, repeats: int) -> dict[str, Any]:
    """A row: medians of runs that alternate."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in codes}
    for _ in range(repeats):
        for name, code in codes.items():
            with tempfile.TemporaryDirectory() as out:
                if step == PLAN:
                    words_of = ["snakemake", "-n", "--quiet", "--cores", "1"]
                else:
                    words_of = ["asft", *words(step, made, Path(out))]
                command = [sys.executable, "-m", *words_of]
                found[name].append(start(code, command))
    row: dict[str, Any] = {"step": step}
    for name, runs in found.items():
        for unit in runs[0]:
            row[f"{name}_{unit}"] = round(statistics.median(run[unit] for run in runs), 2)
    if len(codes) > 1:
        row["cpu_ratio"] = round(row["now_cpu_s"] / row["before_cpu_s"], 2)
    return row


def main() -> None:
    """Write all rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revision", nargs="?")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", nargs="+", default=[*STEPS, PLAN])
    given = parser.parse_args()
    with ExitStack() as stack:
        made = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        codes = {"before": stack.enter_context(worktree(given.revision))} if given.revision else {}
        codes["now"] = ROOT
        for step in STEPS:
            start(ROOT, [sys.executable, "-m", "asft", *words(step, made, made)])
        rows = []
        for step in given.steps:
            rows.append(measure(step, codes, made, given.repeats))
            print(rows[-1], flush=True)
    with (HERE / "starts.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
