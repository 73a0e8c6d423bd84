"""KTO, SimPO and CPO against TRL's own trainers of them: trl_trainers.csv beside this.

Each measurement is `asft train` of the same pairs in a process of its own, by our trainer or, with
`trainer: trl`, by TRL's: what cost.json says of pairs a second behind two first steps, and of peak
memory. The two alternate, medians count. References are computed before and not in the time; TRL
does so in the process that trains, so they are in its memory.
By hand: python bench/trl_trainers.py [--methods kto] [--batches 4] [--repeats 3] [--steps 8]
TRL takes a step's pairs at once, padded: of long ones 8 may not fit where 4 do. The file is written
after each row. Needs a quiet machine, and the default model in results/models/ (`make demo`) or
another --model.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from training import HERE, MODEL, ROOT, SLICES

from asft.machine import PRELOAD, tcmalloc

METHODS: dict[str, dict[str, float]] = {
    "kto": {"beta": 0.1},
    "simpo": {"beta": 2.0, "gamma": 1.0},
    "cpo": {"beta": 0.1},
}
TRAINERS = ("asft", "trl")


def asft(command: str, **options: Any) -> None:
    """Run a step as the DAG does, with its allocator."""
    words = [str(Path(sys.executable).with_name("asft")), command]
    for name, value in options.items():
        text = json.dumps(value) if isinstance(value, dict) else str(value)
        words += [f"--{name.replace('_', '-')}", text]
    environment = os.environ | ({PRELOAD: found} if (found := tcmalloc()) else {})
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env=environment)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])


def prepared(workload: str, model: Path, folder: Path, count: int) -> Path:
    """The folder of the workload's first `count` pairs as tokens, with their references."""
    form, real, bundled = SLICES[workload]
    source = ROOT.parent / "shared" / real
    if not source.exists():
        source = ROOT / bundled
        form = "ultrafeedback_binarized" if workload == "uf" else form
    dataset = {"format": form, "sources": [{"local": str(source)}], "limit": count}
    settings = {"dataset": dataset | {"max_dropped_share": 1.0}, "tokens": {}}
    out = folder / f"{workload}-{count}"
    asft("prepare-dataset", name=workload, model=model, settings=settings, out=out)
    how = {"mismatched": True}
    tokens, known = out / "tokens", out / "reference.parquet"
    asft("reference", settings=how, model=model, tokens=tokens, out=known)
    return out


def trained(trainer: str, method: str, data: Path, model: Path, batch: int) -> dict[str, Any]:
    """The cost of a run, and its last step's loss."""
    run = {"method": method, "loss": method, "hyperparameters": METHODS[method], "seed": 0}
    run |= {"training": {"epochs": 1, "batch_size": batch}, "trainer": trainer, "provenance": {}}
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch)
        (out / "settings.yaml").write_text(json.dumps(run), encoding="utf-8")
        files = {"settings": out / "settings.yaml", "model": model, "tokens": data / "tokens"}
        if method == "kto" and trainer == "asft":
            files["reference"] = data / "reference.parquet"
        asft("train", **files, out=out)
        cost: dict[str, Any] = json.loads((out / "cost.json").read_text(encoding="utf-8"))
        with (out / "history.csv").open(encoding="utf-8") as history:
            return cost | {"loss": float(list(csv.DictReader(history))[-1]["loss"])}


def compared(method: str, data: Path, model: Path, batch: int, repeats: int) -> dict[str, Any]:
    """Medians of both trainers' runs, in alternation, and their ratios."""
    runs: dict[str, list[dict[str, Any]]] = {trainer: [] for trainer in TRAINERS}
    for _ in range(repeats):
        for trainer, found in runs.items():
            found.append(trained(trainer, method, data, model, batch))
    row: dict[str, Any] = {"method": method, "batch": batch, "repeats": repeats}
    middle = {
        (trainer, key): statistics.median(run[key] for run in found)
        for trainer, found in runs.items()
        for key in ("pairs_per_second", "peak_memory_bytes")
    }
    for trainer in TRAINERS:
        row[f"{trainer}_pairs_s"] = round(middle[trainer, "pairs_per_second"], 3)
        row[f"{trainer}_peak_gb"] = round(middle[trainer, "peak_memory_bytes"] / 1e9, 3)
        row[f"{trainer}_last_loss"] = round(runs[trainer][0]["loss"], 4)
    for key, name in (("pairs_per_second", "speed_ratio"), ("peak_memory_bytes", "memory_ratio")):
        row[name] = round(middle["asft", key] / middle["trl", key], 3)
    known = ("steps", "steady_steps", "precision", "device", "threads", "peak_memory_is")
    return row | {key: runs["trl"][0][key] for key in known} | {"trl": version("trl")}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--workloads", nargs="+", default=list(SLICES), choices=SLICES)
    parser.add_argument("--batches", type=int, nargs="+", default=[4])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--out", type=Path, default=HERE / "trl_trainers.csv")
    chosen = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in chosen.workloads:
            for size in chosen.batches:
                pairs = prepared(name, chosen.model.resolve(), Path(scratch), size * chosen.steps)
                for each in chosen.methods:
                    cells = compared(each, pairs, chosen.model.resolve(), size, chosen.repeats)
                    rows.append({"workload": name} | cells)
                    print(rows[-1], flush=True)
                    with chosen.out.open("w", newline="", encoding="utf-8") as file:
                        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
                        writer.writeheader()
                        writer.writerows(rows)
