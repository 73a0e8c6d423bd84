"""Two processes of one thread each against one process of two, on the same pairs and cores.

Writes processes.csv beside this. By hand: python bench/processes.py [--repeats 3]
Needs a quiet machine with two cores and the results of `make demo`.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
ROOT = HERE.parent
RESULTS = ROOT / "results"
STEPS = 6  # the first two are left out, as in every cost.json


def arm(dataset: str, batch: int, processes: int) -> float:
    """Pairs a second of one training, all of its two threads in use."""
    tokens = RESULTS / f"data/{dataset}/tokens"
    with tempfile.TemporaryDirectory() as scratch:
        pairs = json.loads((tokens.parent / "card.json").read_text())["kept"]["train"]
        training = {"epochs": STEPS * batch / pairs, "batch_size": batch, "processes": processes}
        run = {"loss": "asft", "hyperparameters": {"beta": 0.1}, "seed": 0, "provenance": {}}
        settings = Path(scratch, "settings.yaml")
        settings.write_text(yaml.safe_dump(run | {"training": training | {"learning_rate": 1e-7}}))
        command = [sys.executable, "-m", "asft", "train", "--settings", str(settings)]
        command += ["--model", str(RESULTS / "models/smollm2-135m-instruct")]
        command += ["--tokens", str(tokens), "--out", scratch]
        # `launch` gives each process its share of these threads.
        subprocess.run(
            command, check=True, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "2"}
        )
        cost: dict[str, Any] = json.loads(Path(scratch, "cost.json").read_text())
    assert (cost["processes"], cost["threads"]) == (processes, 2 // processes), cost
    return float(cost["pairs_per_second"])


def main() -> None:
    """All rows; medians of alternating runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    rows = []
    for dataset, batch in (("hh_rlhf", 4), ("hh_rlhf", 8), ("ultrafeedback", 8)):
        found: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(repeats):
            for processes, speeds in found.items():
                speeds.append(arm(dataset, batch, processes))
        one, two = (statistics.median(found[processes]) for processes in (1, 2))
        row = {"dataset": dataset, "batch": batch, "one_pairs_s": one, "two_pairs_s": two}
        rows.append(row | {"ratio": round(two / one, 3)})
        print(rows[-1], flush=True)
    with (HERE / "processes.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
