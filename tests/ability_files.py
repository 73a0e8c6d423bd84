"""Files of lm-evaluation-harness's tasks as `asft lm-eval` writes them, from values made up."""

import csv
import json
from pathlib import Path
from typing import Any

# Of a task: metric, filter and, by question, sum and count.
Values = dict[tuple[str, str, str], list[tuple[float, float]]]


def write(path: Path, values: Values, **results: Any) -> Path:
    """lm_eval.csv, and lm-eval's own results beside it; `results` are further keys of these."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["task", "metric", "filter", "question_id", "doc", "sum", "count"])
        for key, sums in values.items():
            writer.writerows([*key, n, f"d{n}", *pair] for n, pair in enumerate(sums))
    own: dict[str, Any] = {}
    for (task, metric, chosen), sums in values.items():
        value = sum(a for a, _ in sums) / sum(b for _, b in sums)
        own.setdefault(task, {})[f"{metric},{chosen}"] = value
        own[task][f"{metric}_stderr,{chosen}"] = 0.125
    tasks = dict.fromkeys(own)
    found = {
        "results": own,
        "versions": dict.fromkeys(tasks, 1.0),
        "n-shot": dict.fromkeys(tasks, 4),
    }
    found |= {"higher_is_better": {}, "group_subtasks": {}, "left_out": []}
    path.with_suffix(".results.json").write_text(json.dumps(found | results))
    return path


def choice(
    task: str, n: int, likelihoods: list[float], right: float, target: Any = 0
) -> dict[str, Any]:
    """lm-eval's record of one question whose options were weighed; `right` is its `acc`."""
    row = sample(task, n, "", right=False)
    row |= {"arguments": [["Q", f" {place}"] for place in range(len(likelihoods))]}
    resps = [[[each, False]] for each in likelihoods]
    return row | {"resps": resps, "target": target, "metrics": ["acc"], "acc": right}


def write_samples(path: Path, rows: list[dict[str, Any]]) -> Path:
    """lm_eval.samples.jsonl."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def sample(task: str, n: int, said: str, *, right: bool, chosen: str = "none") -> dict[str, Any]:
    """lm-eval's record of one question that was answered in words."""
    prompt = f"Shared example.\nQuestion {n}?"
    return {
        **{
            "task": task,
            "part": "",
            "doc_id": n,
            "doc": {"question": f"Question {n}?"},
            "target": f"gold {n}",
        },
        **{"arguments": [[prompt, {"until": []}]], "resps": [[said]], "filtered_resps": [said]},
        **{"filter": chosen, "metrics": ["exact_match"], "exact_match": float(right)},
        **{"doc_hash": f"{n:064}"},
    }
