"""The rest of the pipeline: generation against `model.generate`, scoring, judging, DAG overhead.

Writes pipeline.csv beside this. By hand: python bench/pipeline.py [--repeats 3]
Needs a quiet machine and the default model in results/models/ (`make demo` puts it there).
"""

import argparse
import csv
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from judge_calls import measure as judge_seconds

import asft.cli  # noqa: F401 - sets what the `asft` command sets before torch reads it

HERE = Path(__file__).parent
ROOT = HERE.parent
MODEL = ROOT / "results/models/smollm2-135m-instruct"
QUESTIONS = ROOT / "results/benchmarks/alpaca_en/questions.jsonl"
BATCH, NEW_TOKENS = 16, 96


def generation(repeats: int) -> list[dict[str, Any]]:
    """Generated tokens a second of the same greedy answers, alternating, medians."""
    import torch

    from asft.data.encoding import encode_prompt
    from asft.files import read_jsonl
    from asft.machine import keep_freed_memory
    from asft.models.folders import load_tokenizer
    from asft.models.loading import load_policy
    from asft.records import Message, Question

    keep_freed_memory()
    tokenizer = load_tokenizer(MODEL)
    model = load_policy(MODEL, torch.bfloat16).eval()
    questions = read_jsonl(QUESTIONS, Question)
    in_file_order = [
        encode_prompt([Message(role="user", content=q.turns[0])], tokenizer) for q in questions
    ]
    fixed = [in_file_order[i : i + BATCH] for i in range(0, len(in_file_order), BATCH)]
    arms: dict[str, Callable[[], int]] = {
        "ours": lambda: _ours(model, in_file_order),
        "generate_in_file_order": lambda: _theirs(model, tokenizer, fixed),
        "generate_one_by_one": lambda: _theirs(model, tokenizer, [[p] for p in in_file_order[:12]]),
    }
    speeds: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(repeats):
        for name, arm in arms.items():
            began = time.perf_counter()
            tokens = arm()
            speeds[name].append(tokens / (time.perf_counter() - began))
    median = {name: statistics.median(values) for name, values in speeds.items()}
    return [
        row(f"generation, batch {BATCH}, {peer}", "tokens/s", median["ours"], median[peer])
        for peer in ("generate_in_file_order", "generate_one_by_one")
    ]


END = {2}  # <|im_end|>


def _ours(model: Any, prompts: list[list[int]]) -> int:
    import torch

    from asft.generation.decoding import Row, decode

    rows = [Row(prompt, None, torch.zeros(NEW_TOKENS)) for prompt in prompts]
    found = decode(
        model,
        rows,
        top_k=0,
        top_p=1.0,
        max_new_tokens=NEW_TOKENS,
        end_tokens=END,
        batch_size=BATCH,
    )
    return sum(map(len, found))


def _theirs(model: Any, tokenizer: Any, batches: list[list[list[int]]]) -> int:
    """Left-padded batches; tokens behind an answer's end are not counted."""
    import torch

    tokens = 0
    for batch in batches:
        width = max(map(len, batch))
        ids = torch.tensor([[tokenizer.pad_token_id] * (width - len(p)) + p for p in batch])
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in batch])
        with torch.inference_mode():
            out = model.generate(
                input_ids=ids, attention_mask=mask, do_sample=False, max_new_tokens=NEW_TOKENS
            )
        for answer in out[:, width:].tolist():
            ends = [i for i, token in enumerate(answer) if token in END]
            tokens += ends[0] + 1 if ends else len(answer)
    return tokens


def scoring() -> dict[str, Any]:
    """Both metric families: gold answers scored against one another."""
    from asft.files import read_jsonl
    from asft.metrics.bleu_rouge import score_questions
    from asft.records import Question

    gold = [question.references for question in read_jsonl(QUESTIONS, Question)]
    predictions = [texts[0] for texts in gold[1:] + gold[:1]]
    score_questions(predictions[:2], gold[:2])  # imports and dictionaries
    began = time.perf_counter()
    score_questions(predictions * 10, gold * 10)
    return row("scoring, both families", "rows/s", 10 * len(gold) / (time.perf_counter() - began))


def judging() -> dict[str, Any]:
    """Calls a second to a server that takes 200 ms, 32 at once; beside it the ideal."""
    seconds = judge_seconds(1000, 32, 0.2)
    return row("judge calls, 200 ms each, 32 at once", "calls/s", 1000 / seconds, 32 / 0.2)


def dag() -> list[dict[str, Any]]:
    """Wall seconds a job of the tiny experiment takes, one at a time, and what starting costs."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results"
        command = ["snakemake", "--cores", "1", f"{results}/table3.csv"]
        command += ["--configfile", "workflow/config/test.yaml", "--config", f"results={results}"]
        began = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - began
    jobs = next(
        int(line.split()[1]) for line in done.stderr.splitlines() if line.startswith("total")
    )
    asft = str(Path(sys.executable).parent / "asft")
    light = min(_run([asft, "--help"]) for _ in range(3))
    torch = "import asft.generation.generate"
    heavy = min(_run([sys.executable, "-c", torch]) for _ in range(3))
    return [
        row("DAG of the tiny experiment, wall a job", "s", seconds / jobs),
        row("start of a step without torch", "s", light),
        row("imports of a step with torch and transformers", "s", heavy),
    ]


def _run(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return time.perf_counter() - began


def row(what: str, unit: str, ours: float, peer: float | None = None) -> dict[str, Any]:
    """One line of the table."""
    ratio = "" if peer is None else round(ours / peer, 2)
    peer_text = "" if peer is None else round(peer, 3)
    return dict(zip(COLUMNS, (what, unit, round(ours, 3), peer_text, ratio), strict=True))


COLUMNS = ["what", "unit", "ours", "peer", "ratio"]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    rows = [*generation(given.repeats), scoring(), judging(), *dag()]
    with (HERE / "pipeline.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for each in rows:
        print(*each.values(), sep="\t")


if __name__ == "__main__":
    main()
