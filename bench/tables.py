"""CPU seconds and memory of `asft score` and `asft table3` as questions, methods and seeds grow.

By hand: python bench/tables.py [NAME ...]      names: see POINTS; without any, all of them
Inputs are made up (seed 0): scores by chance, texts of words that are drawn as words of English
are, a few often and most seldom.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from asft.metrics import METRICS
from asft.records import Completion, Question

STATISTICS = {"confidence": 0.95}
WORDS = 150  # of an answer
# name -> (methods, seeds, questions) of table3, or answers to score
POINTS: dict[str, tuple[int, ...]] = {
    "table3-1000": (2, 1, 1_000),
    "table3-52000": (2, 1, 52_000),
    "table3-seeds": (6, 5, 1_000),
    "table3-methods": (40, 1, 500),
    "score-1000": (1_000,),
    "score-8000": (8_000,),
}


def table3(folder: Path, methods: int, seeds: int, questions: int) -> list[str]:
    """Write score files; return the command that makes the table of them."""
    rng = np.random.default_rng(0)
    columns = [name for metric in METRICS.values() for name in metric.columns]
    command = ["table3", "--out", str(folder / "table3.csv"), "--settings"]
    about = {"benchmark": "b", "model": "m", "note": "", "statistics": STATISTICS}
    command.append(json.dumps(about))
    for method in range(methods):
        for seed in range(seeds):
            total = rng.integers(20, 300, (questions, 1)) - np.arange(4)
            counts = np.hstack([rng.binomial(total, [0.5, 0.3, 0.2, 0.1]), total])
            lengths = rng.integers(20, 300, (questions, 2))
            scores = pd.DataFrame(
                {name: rng.gamma(3, 10, questions).round(4) for name in columns}
                | dict(zip(METRICS["bleu4"].columns, [*counts.T, *lengths.T], strict=True))
            )
            scores.insert(0, "question_id", [f"q{i}" for i in range(questions)])
            scores["tokens"], scores["bleu_signature"] = lengths[:, 0], "none"
            path = folder / f"{method}.{seed}.csv"
            scores.to_csv(path, index=False)
            command += ["--score", f"d,m{method},{seed}={path}"]
    return command


def score(folder: Path, answers: int) -> list[str]:
    """Write questions and answers; return the command that scores them."""
    rng = np.random.default_rng(0)
    letters = np.array(list("etaoinshrdlu"))
    vocabulary = ["".join(rng.choice(letters, size)) for size in rng.integers(2, 9, 20_000)]

    def text() -> str:
        numbers = np.minimum(rng.zipf(1.3, WORDS), len(vocabulary)) - 1
        sentences = np.array_split([vocabulary[number] for number in numbers], 10)
        return " ".join(f"{' '.join(sentence).capitalize()}." for sentence in sentences)

    asked = [
        Question(question_id=f"q{i}", turns=[text()], references=[text()]) for i in range(answers)
    ]
    answered = [
        Completion(question_id=q.question_id, turns=[text()], tokens=[200], finish_reasons=["stop"])
        for q in asked
    ]
    for name, rows in (("questions", asked), ("completions", answered)):
        lines = [row.model_dump_json() for row in rows]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    files = ["--questions", str(folder / "questions"), "--completions", str(folder / "completions")]
    return ["score", *files, "--out", str(folder / "scores.csv")]


def measure(command: list[str]) -> dict[str, Any]:
    """CPU seconds, of children too, and peak memory of one `asft` command."""
    child = subprocess.Popen([sys.executable, "-m", "asft", *command], stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"asft {command[0]} failed")
    return {"cpu_s": round(used.ru_utime + used.ru_stime, 1), "peak_mb": used.ru_maxrss // 1024}


def main() -> None:
    for name in sys.argv[1:] or POINTS:
        with tempfile.TemporaryDirectory() as scratch:
            make = table3 if name.startswith("table3") else score
            print(name, measure(make(Path(scratch), *POINTS[name])), flush=True)


if __name__ == "__main__":
    main()
