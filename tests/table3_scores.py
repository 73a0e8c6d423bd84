"""Score files of Table 3 from made-up scores, and the table made from them."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from asft.config.experiment import Statistics
from asft.metrics.corpus import BLEU_COUNTS, MEANS
from asft.tables.table3 import tabulate_table3

N = 12
SETTINGS = Statistics()


Cells = list[dict[str, Any]]
Job = tuple[str, str, int, Path]


def cells(level: float, seed: int = 0, n: int = N) -> Cells:
    """`n` rows whose means are near `level` and whose BLEU matches about `level` % of n-grams."""
    random = np.random.default_rng([seed, int(level)])
    rows = []
    for i in range(n):
        total = 20 - np.arange(4)
        matched = random.binomial(total, level / 100)
        counts = [*matched, *total, 20, 20]
        row: dict[str, Any] = {"question_id": f"q{i}", "category": ""}
        row |= {name: level + random.normal() for name in MEANS}
        row |= dict(zip(BLEU_COUNTS, map(int, counts), strict=True))
        rows.append(row | {"tokens": 20 + i, "finish_reason": "stop", "bleu_signature": "sig"})
    return rows


def write(path: Path, rows: Cells) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def jobs(folder: Path) -> list[Job]:
    listed = [("hh_rlhf", "base", 1, 20.0)]
    listed += [("hh_rlhf", "asft", seed, 60.0) for seed in (1, 2)]
    listed += [("hh_rlhf", "orpo", seed, 59.8) for seed in (1, 2)]
    listed += [("my_data", "sft", seed, 40.0) for seed in (1, 2)]
    return [
        (dataset, method, seed, write(folder / f"{dataset}.{method}.{seed}", cells(level, seed)))
        for dataset, method, seed, level in listed
    ]


def run(folder: Path, scores: list[Job], note: str = "not comparable") -> Path:
    out = folder / "out" / "table3.csv"
    tabulate_table3(scores, "alpaca_en", "tiny_model", note, SETTINGS, out)
    return out
