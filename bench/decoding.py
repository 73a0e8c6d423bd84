"""How fast are greedy answers of many prompts beside CTranslate2, llama.cpp and vLLM? decoding.csv.

The first 32 prompts of alpaca_en at once, at most 64 new tokens, two threads, the same weights.
Each measurement is a process of its own, arms alternate, medians count. Tokens are new ones up to
an answer's end; `tokens_s` has the prompts' time in it, `decoding_s` has not (decoding_arm.py).
`as_fp32` counts answers that are ours in fp32, token by token. `of_bf16_peak` is the share of the
rate of a large bf16 product, measured in the same rounds, that a bf16 arm reaches in decoding.

Needs the default model and its questions in results/ (`make demo`), a quiet machine, and once
    python bench/decoding.py --prepare
which installs the peers into ~/.cache/asft-bench, compiles llama.cpp and converts the weights
(`--peers ctranslate2 llama_cpp` leaves vLLM out, a gigabyte). Then
    python bench/decoding.py [--rounds 3] [--arms ours-bf16 llama_cpp-q8_0]
measures the arms that are prepared.
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

from decoding_setup import PEERS, is_there, model_of, prepare, python_of
from flops import decoding_flops

from asft.machine import PRELOAD, tcmalloc

HERE = Path(__file__).parent
ROOT = HERE.parent
MODEL = ROOT / "results/models/smollm2-135m-instruct"
QUESTIONS = ROOT / "results/benchmarks/alpaca_en/questions.jsonl"
ROWS, NEW_TOKENS, THREADS, END = 32, 64, 2, 2  # 2: <|im_end|>
BF16, FP32 = "bfloat16", "float32"
OURS = "ours-bf16"
ARMS = {
    OURS: ("ours", BF16),
    "ours-fp32": ("ours", FP32),
    "transformers-bf16": ("transformers", BF16),
    "ctranslate2-fp32": ("ctranslate2", FP32),
    "ctranslate2-int8": ("ctranslate2", "int8_float32"),
    "llama_cpp-bf16": ("llama_cpp", BF16),
    "llama_cpp-q8_0": ("llama_cpp", "q8_0"),
    "vllm-bf16": ("vllm", BF16),
}
PEAK = "from flops import peak_flops; print(peak_flops('bfloat16'))"
COLUMNS = ["arm", "tokens_s", "decoding_s", "prompt_s", "tokens", "ours_over_this", "as_fp32"]
COLUMNS += ["of_bf16_peak"]


class Failed(Exception):
    """A process ended without its measurement."""


def prompts(model: Path, questions: Path, rows: int) -> list[list[int]]:
    """The first questions' prompts as tokens."""
    from asft.data.encoding import encode_prompt
    from asft.files import read_jsonl
    from asft.models.folders import load_tokenizer
    from asft.records import Message, Question

    tokenizer = load_tokenizer(model)
    first = read_jsonl(questions, Question)[:rows]
    return [encode_prompt([Message(role="user", content=q.turns[0])], tokenizer) for q in first]


def run(command: list[str], threads: int) -> str:
    """The last line that a process prints, with the threads and allocator that all get."""
    preload = tcmalloc()  # as the DAG's jobs have it, and for peers too
    also = {"OMP_NUM_THREADS": str(threads)} | ({PRELOAD: preload} if preload else {})
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=HERE, env=os.environ | also, check=False
    )
    if done.returncode:
        raise Failed(done.stderr[-2000:])
    return done.stdout.strip().splitlines()[-1]


def arm(name: str, model: Path, tokens: Path, most: int, threads: int) -> dict[str, Any]:
    """One measurement."""
    engine, precision = ARMS[name]
    job = {"engine": engine, "precision": precision, "prompts": str(tokens), "new_tokens": most}
    job |= {"model": str(model_of(engine, precision, model)), "end": END, "threads": threads}
    python = python_of(engine) if engine in PEERS else sys.executable
    found: dict[str, Any] = json.loads(
        run([str(python), "decoding_arm.py", json.dumps(job)], threads)
    )
    return found


def measure(given: argparse.Namespace) -> tuple[dict[str, list[dict[str, Any]]], float, float]:
    """Every arm's measurements; the rate of bf16 products; operations a token of an answer."""
    asked = prompts(given.model, given.questions, given.rows)
    flops = decoding_flops(given.model, statistics.mean(map(len, asked)) + given.new_tokens / 2)
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in given.arms}
    peaks = []
    with tempfile.TemporaryDirectory() as scratch:
        tokens = Path(scratch) / "prompts.json"
        tokens.write_text(json.dumps(asked), encoding="utf-8")
        for number in range(given.rounds):
            peaks.append(float(run([sys.executable, "-c", PEAK], given.threads)))
            for name in list(runs):
                try:
                    found = arm(name, given.model, tokens, given.new_tokens, given.threads)
                except Failed as why:  # the others' minutes are not lost
                    print(f"{name} is left out: {why}", file=sys.stderr)
                    del runs[name]
                    continue
                runs[name].append(found)
                seconds = f"prompts {found['prompt_s']:.2f} of {found['all_s']:.2f} s"
                print(f"round {number + 1}: {name}: {seconds}", file=sys.stderr)
    return runs, statistics.median(peaks), flops


def table(runs: dict[str, list[dict[str, Any]]], peak: float, flops: float) -> list[dict[str, Any]]:
    """A line an arm."""
    exact = runs.get("ours-fp32", [{"answers": []}])[0]["answers"]
    rows: dict[str, dict[str, Any]] = {}
    for name, found in runs.items():
        answers = found[0]["answers"]
        tokens = sum(map(len, answers))
        prompt_s, all_s = (
            statistics.median(f[key] for f in found) for key in ("prompt_s", "all_s")
        )
        # The first token of each answer came with its prompt.
        decoding = (tokens - len(answers)) / (all_s - prompt_s)
        share = f"{decoding * flops / peak:.4f}" if ARMS[name][1] == BF16 else ""
        alike = sum(a == b for a, b in zip(answers, exact, strict=True)) if exact else ""
        speed = round(tokens / all_s, 1)
        values = (name, speed, round(decoding, 1), round(prompt_s, 2), tokens, "", alike, share)
        rows[name] = dict(zip(COLUMNS, values, strict=True))
        if OURS in rows:
            rows[name]["ours_over_this"] = round(rows[OURS]["tokens_s"] / speed, 2)
    return list(rows.values())


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prepare", action="store_true")
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=PEERS)
    there = [name for name, (engine, _) in ARMS.items() if is_there(engine)]
    parser.add_argument("--arms", nargs="+", default=there, choices=there)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--new-tokens", type=int, default=NEW_TOKENS)
    parser.add_argument("--threads", type=int, default=THREADS)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--questions", type=Path, default=QUESTIONS)
    parser.add_argument("--out", type=Path, default=HERE / "decoding.csv")
    return parser.parse_args()


def main() -> None:
    """Measure, print, write; or prepare what that needs."""
    given = arguments()
    given.model = given.model.resolve()
    if given.prepare:
        for peer in given.peers:
            prepare(peer, given.model)
        return
    rows = table(*measure(given))
    with given.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(given.out.read_text(encoding="utf-8"), end="")


if __name__ == "__main__":
    main()
