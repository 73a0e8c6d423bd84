"""Training speed and memory against TRL on the same pairs: results.csv and results.md beside this.

Each measurement is a process of its own (training_arm.py); arms alternate, medians count. The first
step of each is left out. By hand: python bench/training.py [--repeats 3] [--steps 4]
Needs a quiet machine and the default model in results/models/ (`make demo` puts it there).
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
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

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
    """A file of `count` pairs in TRL's format, and where they are from."""
    from asft.formats import FORMATS
    from asft.records import read_json_rows
    from asft.rows import Unusable

    kind, real, bundled = SLICES[name]
    source = ROOT.parent / "shared" / real
    if not source.exists():
        source = ROOT / bundled
        kind = "ultrafeedback_binarized" if name == "uf" else kind
    pairs: list[dict[str, Any]] = []
    for row in read_json_rows(source):
        try:
            pairs.append(FORMATS[kind](row)._asdict())
        except Unusable:
            continue
        if len(pairs) == count:
            break
    path = folder / f"{name}.json"
    path.write_text(json.dumps(pairs), encoding="utf-8")
    return path, source.name


def arm(**job: Any) -> dict[str, Any]:
    """Seconds, losses and peak of one process."""
    command = [sys.executable, str(HERE / "training_arm.py"), json.dumps(job)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"{job}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    steady = found["seconds"][1:]
    return found | {"pairs_s": job["batch"] * len(steady) / sum(steady)}


def peak_flops() -> float:
    """Multiply-adds, counted as two, per second of a large bf16 product."""
    import torch

    a = torch.randn(4096, 4096, dtype=torch.bfloat16)
    best = min(_seconds(lambda: a @ a) for _ in range(5))
    return 2 * 4096**3 / best


def _seconds(run: Any) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def useful_flops(pairs: Path) -> float:
    """Of a mean pair, forward and backward: prompt tokens once, the head on scored positions."""
    from transformers import AutoConfig

    from asft.config import Tokens
    from asft.formats import FORMATS
    from asft.model_folders import load_tokenizer
    from asft.tokens import encode_pair

    config, tokenizer = AutoConfig.from_pretrained(MODEL), load_tokenizer(MODEL)
    width, layers = config.hidden_size, config.num_hidden_layers
    heads = config.num_attention_heads + 2 * config.num_key_value_heads
    per_layer = width * heads * config.head_dim + width**2 + 3 * width * config.intermediate_size
    total = 0.0
    rows = json.loads(pairs.read_text(encoding="utf-8"))
    for row in rows:
        pair, _ = encode_pair(FORMATS["trl"](row), tokenizer, Tokens(max_length=1024))
        p, c, r = map(len, (pair.prompt, pair.chosen, pair.rejected))
        seen = (p + c) ** 2 / 2 + r * p + r**2 / 2
        total += 6 * (p + c + r) * layers * per_layer
        total += 6 * (c + r) * config.vocab_size * width + 3 * 4 * layers * width * seen
    return total / len(rows)


def measure(repeats: int, steps: int, batches: list[int]) -> list[dict[str, Any]]:
    """All rows of the table; prints each as it comes."""
    rows = []
    peak = peak_flops()
    with tempfile.TemporaryDirectory() as scratch:
        for name in SLICES:
            for batch in batches:
                pairs, _ = workload(name, Path(scratch), batch * steps)
                flops = useful_flops(pairs)
                job = {"model": str(MODEL), "pairs": str(pairs), "batch": batch, "steps": steps}
                known: dict[str, list[dict[str, Any]]] = {}
                for method, peers in PEERS.items():
                    rows += _compare(job, name, method, peers, repeats, flops / peak, known)
    return rows


def _compare(
    job: dict[str, Any],
    name: str,
    method: str,
    peers: list[str],
    repeats: int,
    ideal: float,
    known: dict[str, list[dict[str, Any]]],
) -> list[dict[str, Any]]:
    found: dict[str, list[dict[str, Any]]] = {"asft": []}
    # ORPO's peer is ASFT's as well: measured once.
    found |= {peer: known.setdefault(f"{peer} {method}", []) for peer in peers if peer != ORPO}
    found |= {peer: known.setdefault(peer, []) for peer in peers if peer == ORPO}
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
        row |= {"ours_peak_gb": memory["asft"], "peer_peak_gb": memory[peer]}
        row["memory_ratio"] = round(memory["asft"] / memory[peer], 3)
        row["mfu"] = round(speed["asft"] * ideal, 3)
        row["losses"] = f"{found['asft'][0]['losses']} {found[peer][0]['losses']}"
        print(row, flush=True)
        rows.append(row)
    return rows


def write(rows: list[dict[str, Any]], repeats: int, steps: int) -> None:
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

SmolLM2-135M, bf16 autocast over fp32 weights, 1024 tokens at most, {steps} steps (the first left
out), medians of {repeats} alternating runs, each a process of its own. {os.cpu_count()} cores,
{cpu}; {versions}. Cached references are not in the time. mfu: useful floating-point operations
(each prompt token once a pair) over those of a 4096³ bf16 product in the same run. Losses: ours,
then the peer's (ORPO's differ: TRL's first term is a mean over prompt and answer, ours over the
answer; ASFT stands beside ORPO for want of a peer).

{pd.DataFrame(rows).to_markdown(index=False)}
"""
    (HERE / "results.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--batches", type=int, nargs="+", default=[4, 8])
    given = parser.parse_args()
    write(measure(given.repeats, given.steps, given.batches), given.repeats, given.steps)
