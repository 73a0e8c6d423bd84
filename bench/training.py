"""Training speed and memory against TRL on the same pairs: results.csv and results.md beside this.

Each measurement is a process of its own (training_arm.py); arms alternate, medians count. The first
step of each is left out. By hand: python bench/training.py [--repeats 3] [--steps 4]
Needs a quiet machine, the default model in results/models/ (`make demo` puts it there), and hours:
rows are kept in results.jsonl as they come, and a part (`--workloads hh --batches 4`) replaces its
own.
"""

import argparse
import csv
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flops import MAX_LENGTH, peak_flops, useful_flops

from asft.machine import PRELOAD, tcmalloc

HERE = Path(__file__).parent
ROOT = HERE.parent
MODEL = ROOT / "results/models/smollm2-135m-instruct"
PEERS = {
    "dpo": ["trl_dpo_cached", "trl_dpo_online"],
    "ipo": ["trl_dpo_cached", "trl_dpo_online"],
    "orpo": ["trl_orpo"],
    "asft": ["trl_orpo"],  # TRL has no ASFT: its nearest, reference-free as well
}
ORPO = "trl_orpo"
COLUMNS = ["workload", "batch", "method", "peer", "ours_pairs_s", "peer_pairs_s", "speed_ratio"]
COLUMNS += ["ours_peak_gb", "peer_peak_gb", "memory_ratio", "mfu"]
# HH-RLHF-like: short answers, long dialogues. UltraFeedback-like: long answers.
SLICES = {
    "hh": ("hh_rlhf", "data/hh_rlhf/harmless-base-test-400.jsonl", "asft/demo/hh_rlhf.jsonl"),
    "uf": (
        "sharegpt_ranking",
        "data/sharegpt_ranking/dpo_en_demo-150.json",
        "asft/demo/ultrafeedback.jsonl",
    ),
}


def workload(name: str, folder: Path, count: int) -> tuple[Path, str]:
    """A file of at most `count` pairs in TRL's format that fit, and where they are from."""
    from asft.config.data import Tokens
    from asft.data.encoding import encode_pair
    from asft.data.pair_formats import FORMATS
    from asft.data.rows import Unusable
    from asft.files import read_json_rows
    from asft.models.folders import load_tokenizer

    kind, real, bundled = SLICES[name]
    source = ROOT.parent / "shared" / real
    if not source.exists():
        source = ROOT / bundled
        kind = "ultrafeedback_binarized" if name == "uf" else kind
    tokenizer, limits = load_tokenizer(MODEL), Tokens(max_length=MAX_LENGTH)
    pairs: list[dict[str, Any]] = []
    for row in read_json_rows(source):
        try:
            pair = FORMATS[kind](row)
            _, notes = encode_pair(pair, tokenizer, limits)
        except Unusable:
            continue
        if not any(note.startswith("truncated") for note in notes):
            pairs.append(pair._asdict())
        if len(pairs) == count:
            break
    path = folder / f"{name}.json"
    path.write_text(json.dumps(pairs), encoding="utf-8")
    return path, source.name


def arm(**job: Any) -> dict[str, Any]:
    """Seconds, losses and peak of one process."""
    command = [sys.executable, str(HERE / "training_arm.py"), json.dumps(job)]
    preload = tcmalloc()  # as the DAG's jobs have it, and for TRL too
    env = os.environ | ({PRELOAD: preload} if preload else {})
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env)
    if done.returncode:
        raise SystemExit(f"{job}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    steady = found["seconds"][1:]
    return found | {"pairs_s": job["batch"] * len(steady) / sum(steady)}


def first_pairs(batch: int, steps: int) -> list[int]:
    """The pairs of the first step, by the order that transformers gives both sides' trainers."""
    import torch
    from training_arm import SEED

    order = torch.randperm(batch * steps, generator=torch.Generator().manual_seed(SEED))
    found: list[int] = order[:batch].tolist()
    return found


def measure(
    workloads: list[str],
    batches: list[int],
    methods: list[str],
    repeats: int,
    steps: int,
    peer_split: int,
) -> Iterator[dict[str, Any]]:
    """Rows of the table, as they come."""
    peaks = {"mfu": peak_flops("bfloat16"), "mfu_fp32": peak_flops("float32")}
    with tempfile.TemporaryDirectory() as scratch:
        for name in workloads:
            for batch in batches:
                pairs, source = workload(name, Path(scratch), batch * steps)
                there = len(json.loads(pairs.read_text(encoding="utf-8")))
                if there < batch * steps:  # the order, too, would be another
                    raise SystemExit(f"{source}: {there} pairs fit; take fewer --steps")
                flops = useful_flops(MODEL, pairs, first_pairs(batch, steps))
                job = {"model": str(MODEL), "pairs": str(pairs), "batch": batch, "steps": steps}
                job["split"] = peer_split
                known: dict[str, list[dict[str, Any]]] = {}
                ideal = {key: flops / peak for key, peak in peaks.items()}
                for method in methods:
                    for row in _compare(job, name, method, repeats, ideal, known):
                        yield row | {"pairs_from": source}


def _compare(
    job: dict[str, Any],
    name: str,
    method: str,
    repeats: int,
    ideal: dict[str, float],
    known: dict[str, list[dict[str, Any]]],
) -> list[dict[str, Any]]:
    peers = PEERS[method]
    found: dict[str, list[dict[str, Any]]] = {"asft": []}
    for peer in peers:
        # ORPO's peer is ASFT's as well: measured once.
        found[peer] = known.setdefault(peer if peer == ORPO else f"{peer} {method}", [])
    for _ in range(repeats):
        for who, runs in found.items():
            if len(runs) < repeats:
                runs.append(arm(who=who, method=method, **job))
    speed = {who: statistics.median(run["pairs_s"] for run in runs) for who, runs in found.items()}
    memory = {who: statistics.median(run["peak_gb"] for run in runs) for who, runs in found.items()}
    rows = []
    for peer in peers:
        row = dict(zip(COLUMNS[:4], (name, job["batch"], method, peer), strict=True))
        row |= {"ours_pairs_s": round(speed["asft"], 3), "peer_pairs_s": round(speed[peer], 3)}
        row["speed_ratio"] = round(speed["asft"] / speed[peer], 2)
        row |= {"ours_peak_gb": round(memory["asft"], 3), "peer_peak_gb": round(memory[peer], 3)}
        row["memory_ratio"] = round(memory["asft"] / memory[peer], 3)
        row |= {key: round(speed["asft"] * share, 3) for key, share in ideal.items()}
        row |= {"steps": job["steps"] - 1, "repeats": repeats, "peer_split": job["split"]}
        row["losses"] = f"{found['asft'][0]['losses'][:16]} {found[peer][0]['losses'][:16]}"
        rows.append(row)
    return rows


def keep(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Put the row into results.jsonl, in place of what was measured before; returns all rows."""
    path = HERE / "results.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    rows = {tuple(old[key] for key in COLUMNS[:4]): old for old in map(json.loads, lines)}
    rows[tuple(row[key] for key in COLUMNS[:4])] = row
    found = [rows[key] for key in sorted(rows, key=_place)]
    path.write_text("".join(json.dumps(each) + "\n" for each in found), encoding="utf-8")
    return found


def _place(key: tuple[Any, ...]) -> tuple[Any, ...]:
    workload, batch, method, peer = key
    return list(SLICES).index(workload), batch, list(PEERS).index(method), peer


def write(rows: list[dict[str, Any]]) -> None:
    """results.csv, and results.md with machine, versions and the losses of both sides."""
    import pandas as pd

    with (HERE / "results.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "trl"))
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    text = f"""# Training against TRL

SmolLM2-135M, bf16 autocast over fp32 weights, pairs of at most {MAX_LENGTH} tokens, in the same
order for both; `steps` steps behind a first one that is left out, medians of `repeats` alternating
runs, each a process of its own. {os.cpu_count()} cores, {cpu}; {versions}; both with
{tcmalloc() or "the system's allocator"}. Cached references are not in the time.
mfu: useful floating-point operations (each prompt token once a pair) over those of a 4096³ bf16
product in the same run; mfu_fp32: over those of an fp32 product. peer_split: TRL's batch is that
many smaller ones whose gradients it adds up, where a whole one needs too much memory.
Losses: ours, then the peer's, of at most 16 steps. ORPO's differ: TRL's first term is a mean over
prompt and answer, ours over the answer.
ASFT stands beside ORPO for want of a peer. In fp32 the losses of both are compared on one batch by
tests/oracle/test_trl.py.

{pd.DataFrame(rows).to_markdown(index=False)}
"""
    (HERE / "results.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workloads", nargs="+", default=list(SLICES), choices=SLICES)
    parser.add_argument("--batches", type=int, nargs="+", default=[4, 8])
    parser.add_argument("--methods", nargs="+", default=list(PEERS), choices=PEERS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--peer-split", type=int, default=1, help="parts of TRL's batches")
    for measured in measure(**vars(parser.parse_args())):
        print(measured, flush=True)
        write(keep(measured))
