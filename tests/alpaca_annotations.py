"""Annotations and gamed baselines as alpaca_eval writes them: invented, of any size."""

import csv
import json
import math
import random
from pathlib import Path
from typing import Any

Rows = list[dict[str, Any]]
N = 60
JUDGE = "weighted_alpaca_eval_gpt4_turbo"


def annotated(seed: int, quality: float, n: int = N, model: str = "m") -> Rows:
    """A model's rows: the judge likes what is longer, and `quality`; every ninth row is a tie."""
    rng = random.Random(seed)
    rows = []
    for number, difficulty in enumerate(difficulties(n)):
        baseline, own = rng.randint(50, 900), rng.randint(50, 900)
        p = 1 / (1 + math.exp(-(quality + difficulty + (own - baseline) / 300)))
        p = min(max(p + rng.uniform(-0.2, 0.2), 0), 1)
        row = {"instruction": f"Do thing {number}.", "dataset": "made_up", "annotator": JUDGE}
        row |= {"output_1": "b" * baseline, "generator_1": "gpt4_1106_preview"}
        row |= {"output_2": "m" * own, "generator_2": model}
        rows.append(row | {"preference": 1.5 if number % 9 == 4 else round(1 + p, 6)})
    return rows


def difficulties(n: int = N) -> list[float]:
    rng = random.Random("difficulty")
    return [round(rng.gauss(0, 1), 6) for _ in range(n)]


def gamed_rows(n: int = N) -> Rows:
    """As df_gamed.csv: the baseline asked to be verbose, then concise, on each instruction."""
    rng = random.Random("gamed")
    rows = []
    for model, shift in (("verbose", -0.7), ("concise", 1.4)):
        for index, difficulty in enumerate(difficulties(n)):
            delta = round(rng.gauss(shift, 1), 6)
            p = 1 / (1 + math.exp(1.5 * math.tanh(delta) - 0.5 * difficulty - rng.gauss(0, 1)))
            row = {"preference": round(p, 6), "index": index, "std_delta_len": delta}
            row |= {"instruction_difficulty": difficulty, "not_gamed_baseline": False}
            rows.append(row | {"model": f"gpt4_1106_preview_{model}"})
    return rows


def write_annotations(path: Path, rows: Rows) -> Path:
    path.write_text(json.dumps(rows, indent=2), encoding="utf-8")
    return path


def write_gamed(path: Path, rows: Rows) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path
