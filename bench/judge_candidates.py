"""Ways for a small local model to judge, against published verdicts and controls.

Each way is tried on published pairs of answers (both orders where it compares), and on answers to
the default's Arena-Hard questions against its baseline: those of policies, and of the controls
that are worth nothing. Raw log-probabilities go to OUT/{model}.jsonl, so that a run that is broken
off goes on; OUT/candidates.csv has a row for each model and way.
By hand: python bench/judge_candidates.py MODEL_FOLDER... --pairs pairs.jsonl --arena arena.jsonl
  --out FOLDER [--ways letter few_shot reasoned rating yes likelihood] [--limit 60]
Without --ways all of them are tried. A taste for a place, the same in all games of a way, is taken
away by its mean over both orders and by its median: columns that begin with games, consistency.
pairs.jsonl: rows id, question, first, second, prefers_second (0 or 1); arena.jsonl: the same
without the last, whose id is CONTESTANT:QUESTION and whose second answer is the baseline's.
"""

import argparse
import csv
import json
import math
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from judge_ways import Candidate

from asft.files import read_json_rows


def _expected(logps: list[float]) -> float:
    shares = torch.tensor(logps).softmax(-1)
    return float((shares * torch.arange(1, len(logps) + 1)).sum())


# From a way's log-probabilities to how far the second answer is preferred, in both orders.
Both = tuple[float, float]
MARGINS: dict[str, Callable[[list[list[float]]], Both]] = {
    **dict.fromkeys(
        ("letter", "few_shot", "reasoned"), lambda v: (v[0][1] - v[0][0], v[1][0] - v[1][1])
    ),
    "rating": lambda v: (_expected(v[1]) - _expected(v[0]),) * 2,
    "yes": lambda v: ((v[1][0] - v[1][1]) - (v[0][0] - v[0][1]),) * 2,
    "likelihood": lambda v: (v[1][0] - v[0][0],) * 2,
    "likelihood_gain": lambda v: ((v[1][0] - v[1][1]) - (v[0][0] - v[0][1]),) * 2,
}

WAYS = [name for name in MARGINS if name != "likelihood_gain"]


def judged(candidate: Candidate, rows: list[dict[str, Any]], ways: list[str], out: Path) -> None:
    """Add what is missing to the raw file, a row at once."""
    known = {(row["id"], row["way"]) for row in (read_json_rows(out) if out.exists() else [])}
    with out.open("a", encoding="utf-8") as file:
        for way in ways:
            missing = [row for row in rows if (row["id"], way) not in known]
            if way == "reasoned":
                candidate.reason(missing)
            for row in missing:
                found = getattr(candidate, way)(row["question"], row["first"], row["second"])
                file.write(json.dumps({"id": row["id"], "way": way, "logps": found}) + "\n")
                file.flush()


def _without_taste(pairs: Sequence[tuple[float, float, int]]) -> dict[str, float]:
    """Agreement game by game and consistency, with a taste for a place taken away, or not."""
    tastes = {"": 0.0}
    for name, average in (("mean", statistics.fmean), ("median", statistics.median)):
        tastes[f"_{name}"] = average(x for a, b, _ in pairs for x in (a, -b))
    found = {}
    for name, taste in tastes.items():
        sides = [(a > taste, b > -taste, bool(second)) for a, b, second in pairs]
        right = statistics.fmean((x == s) / 2 + (y == s) / 2 for x, y, s in sides)
        found[f"games{name}"] = round(right, 3)
        found[f"consistency{name}"] = round(statistics.fmean(x == y for x, y, _ in sides), 3)
    return found


def summary(raw: list[dict[str, Any]], truth: dict[str, int], name: str) -> dict[str, Any]:
    """A way's row: agreement and AUC on published pairs, then each contestant's mean share."""
    way = "likelihood" if name == "likelihood_gain" else name
    margins = {r["id"]: MARGINS[name](r["logps"]) for r in raw if r["way"] == way}
    pairs = [(*margins[key], second) for key, second in truth.items() if key in margins]
    found: dict[str, Any] = {"way": name, "pairs": len(pairs)}
    if pairs:
        right = statistics.fmean((a + b > 0) == bool(second) for a, b, second in pairs)
        won = [(a + b, c + d) for a, b, s in pairs if s for c, d, t in pairs if not t]
        found["agreement"] = round(right, 3)
        found["plus_minus"] = round(1.96 * math.sqrt(right * (1 - right) / len(pairs)), 3)
        found["auc"] = round(statistics.fmean((x > y) + 0.5 * (x == y) for x, y in won), 3)
        found |= _without_taste(pairs)
    shares: dict[str, list[float]] = {}
    for key, (a, b) in margins.items():
        if ":" in key:  # the contestant's answer is the first one
            shares.setdefault(key.split(":")[0], []).extend(
                1 / (1 + math.exp(min(50.0, max(-50.0, x)))) for x in (a, b)
            )
    return found | {f"share_{k}": round(statistics.fmean(v), 3) for k, v in shares.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--arena", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--limit", type=int)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    asked = read_json_rows(chosen.pairs)[: chosen.limit]
    arena = read_json_rows(chosen.arena) if chosen.arena else []
    table = []
    for folder in chosen.models:
        path = chosen.out / f"{folder.name}.jsonl"
        judged(Candidate(folder), asked + arena, chosen.ways, path)
        truth = {row["id"]: row["prefers_second"] for row in asked}
        raw = read_json_rows(path)
        names = [n for n in MARGINS if n.removesuffix("_gain") in chosen.ways]
        table += [{"model": folder.name} | summary(raw, truth, name) for name in names]
    columns = list(dict.fromkeys(key for row in table for key in row))
    with (chosen.out / "candidates.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
