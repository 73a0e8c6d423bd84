"""How a training step's cost grows: with pairs in a batch, answer length, prompt share; memory.

Writes growth.csv beside this and docs/growth.png. By hand: python bench/growth.py
Needs a quiet machine and the default model in results/models/ (`make demo` puts it there).
"""

import csv
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
ROOT = HERE.parent
MODEL = ROOT / "results/models/smollm2-135m-instruct"
STEPS = 3  # the first is left out
# (sweep, what varies, pairs a batch, prompt, answer): tokens
POINTS = [("batch", n, n, 64, 96) for n in (1, 2, 4, 8, 16)]
POINTS += [("answer", n, 4, 64, n) for n in (16, 32, 64, 128, 256, 384)]
POINTS += [
    ("prompt share", s, 4, int(512 * s), int(256 * (1 - s))) for s in (0.1, 0.3, 0.5, 0.7, 0.9)
]
# Every pair 256 tokens: the whole step is in memory at once.
POINTS += [("memory", n, n // 256, 64, 96) for n in (512, 1024, 2048, 4096)]


def synthetic_pairs(count: int, prompt: int, answer: int) -> list[Any]:
    """Pairs of random tokens, all of one size."""
    from asft.data.tokens import TokenPair

    rng, sizes = np.random.default_rng(0), (prompt, answer, answer)
    return [
        TokenPair(f"{i}", *(rng.integers(100, 40_000, n, dtype=np.int32) for n in sizes))
        for i in range(count)
    ]


def measure(pairs: int, prompt: int, answer: int) -> dict[str, Any]:
    """Seconds of a step and peak bytes, in this process."""
    import torch

    import asft.cli  # noqa: F401 - sets what the `asft` command sets before torch reads it
    from asft.config.training import Training
    from asft.losses import METHODS
    from asft.machine import keep_freed_memory
    from asft.models.loading import load_policy
    from asft.training.attention.names import PAIR_ATTENTION
    from asft.training.cost import peak_memory
    from asft.training.trainer import PairTrainer

    keep_freed_memory()
    with tempfile.TemporaryDirectory() as scratch:
        trainer = PairTrainer(
            load_policy(MODEL, torch.float32, PAIR_ATTENTION),
            synthetic_pairs(pairs * STEPS, prompt, answer),
            [],
            method=METHODS["asft"],
            hyperparameters={"beta": 0.1},
            training=Training(batch_size=pairs, token_budget=16384),
            precision=torch.bfloat16,
            seed=0,
            output_dir=scratch,
        )
        trainer.train()
    seconds = [row["seconds"] for row in trainer.history.rows()][1:]
    return {"seconds": statistics.median(seconds), "peak": peak_memory(trainer.args.device)[0]}


def point(*numbers: int) -> dict[str, Any]:
    """`measure` in a process of its own: a peak is one process's."""
    command = [sys.executable, __file__, *map(str, numbers)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def plot(rows: list[dict[str, Any]]) -> None:
    """docs/growth.png."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 4, figsize=(14, 3.2), layout="constrained")
    labels = {
        "batch": "pairs in a batch (256-token pairs)",
        "answer": "tokens of an answer (prompt 64)",
        "prompt share": "prompt's share of 512 tokens",
        "memory": "tokens in memory at once",
    }
    for panel, (sweep, label) in zip(panels, labels.items(), strict=True):
        found = [row for row in rows if row["sweep"] == sweep]
        x = [row["value"] for row in found]
        y = [row["peak_gb" if sweep == "memory" else "pairs_s"] for row in found]
        panel.plot(x, y, "o-", color="#0a5483")
        panel.set(
            xlabel=label, ylabel="peak, GB" if sweep == "memory" else "pairs / s", ylim=(0, None)
        )
        panel.grid(alpha=0.3)
    figure.savefig(ROOT / "docs/growth.png", dpi=110, metadata={"Software": None})


def main() -> None:
    """All points, the table, the plot and memory's straight line."""
    from asft.machine import preload_allocator

    preload_allocator()  # as the DAG's jobs have it
    rows = []
    for sweep, value, pairs, prompt, answer in POINTS:
        found = point(pairs, prompt, answer)
        row = {"sweep": sweep, "value": value, "pairs": pairs, "prompt": prompt, "answer": answer}
        row |= {
            "pairs_s": round(pairs / found["seconds"], 3),
            "peak_gb": round(found["peak"] / 1e9, 3),
        }
        print(row, flush=True)
        rows.append(row)
    with (HERE / "growth.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    memory = [row for row in rows if row["sweep"] == "memory"]
    slope, start = np.polyfit([r["value"] for r in memory], [r["peak_gb"] for r in memory], 1)
    print(f"peak = {start:.2f} GB + {1e3 * slope:.3f} MB a token")
    plot(rows)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(*map(int, sys.argv[1:]))))
    else:
        main()
