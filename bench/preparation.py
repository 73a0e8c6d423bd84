"""CPU seconds and memory of `asft prepare-dataset` beside `datasets.map` that tokenises alone.

By hand: python bench/preparation.py [--kind hh] [--rows 20000] [--repeats 3]
Both run one after the other, in processes of their own, each on one thread. Rows are made up from
the bundled data (seed 0): `hh`, transcripts of sentences put together anew; `uf`, longer prompts
and answers. The other side renders and tokenises prompt and completions in batches and writes
Parquet; ours also parses, hashes, drops duplicates, counts, writes both the texts and the ids, and
a card. Needs the default model in results/models/ (`make demo`).
"""

import argparse
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DEMO = HERE.parent / "asft/demo"
MODEL = HERE.parent / "results/models/smollm2-135m-instruct"
LABEL = re.compile(r"(?:\A|\n\n)(Human|Assistant):")
FORMATS = {"hh": "hh_rlhf", "uf": "ultrafeedback_binarized"}
ROLES = {"Human": "user", "Assistant": "assistant"}


def sentences(role: str) -> list[str]:
    """What one side says in the bundled transcripts."""
    found = []
    for line in (DEMO / "hh_rlhf.jsonl").read_text().splitlines():
        _, *parts = LABEL.split(json.loads(line)["chosen"])
        said = [text for who, text in zip(parts[::2], parts[1::2], strict=True) if who == role]
        found += [s for text in said for s in re.split(r"(?<=[.!?]) ", text.strip()) if s]
    return found


def rows(kind: str, count: int) -> Any:
    """Rows of preference data, no two alike."""
    chance, asked, told = random.Random(0), sentences("Human"), sentences("Assistant")

    def some(pool: list[str], most: int) -> str:
        return " ".join(chance.choice(pool) for _ in range(chance.randint(1, most)))

    for number in range(count):
        if kind == "hh":
            talk = ""
            for _ in range(chance.randint(0, 3)):
                talk += f"\n\nHuman: {some(asked, 3)}\n\nAssistant: {some(told, 3)}"
            talk += f"\n\nHuman: {some(asked, 3)}\n\nAssistant: "
            rejected = f"{talk}{some(told, 4)} {number}"
            yield {"chosen": f"{talk}{some(told, 4)}!", "rejected": rejected}
        else:
            question = [{"role": "user", "content": some(asked, 20)}]
            answers = [f"{some(told, 50)} {number}{mark}" for mark in "!?"]
            talks = [[*question, {"role": "assistant", "content": text}] for text in answers]
            row = dict(zip(("chosen", "rejected"), talks, strict=True))
            yield row | {"score_chosen": 8.0, "score_rejected": 6.5}


def mapped(kind: str, path: Path, out: Path) -> None:
    """The other side, in this process."""
    import datasets
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    data: Any = datasets.load_dataset(
        "json", data_files=str(path), split="train", cache_dir=str(out.parent)
    )

    def talk(value: Any) -> Any:
        if kind == "uf":
            return value
        _, *parts = LABEL.split(value)
        pairs = zip(parts[::2], parts[1::2], strict=True)
        return [{"role": ROLES[who], "content": text.strip()} for who, text in pairs]

    def encode(batch: dict[str, list[Any]]) -> dict[str, Any]:
        render = tokenizer.apply_chat_template
        talks = {side: [talk(value) for value in batch[side]] for side in ("chosen", "rejected")}
        starts = [
            render(t[:-1], tokenize=False, add_generation_prompt=True) for t in talks["chosen"]
        ]
        texts = {"prompt": starts}
        for side, found in talks.items():
            wholes = [render(t, tokenize=False) for t in found]
            pairs = zip(wholes, starts, strict=True)
            texts[side] = [whole[len(start) :] for whole, start in pairs]
        return {k: tokenizer(v, add_special_tokens=False)["input_ids"] for k, v in texts.items()}

    data.map(encode, batched=True, remove_columns=data.column_names).to_parquet(str(out))


def measured(command: list[str]) -> tuple[float, float]:
    """CPU seconds and peak MB of a command, all processes of it."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "HF_HUB_OFFLINE"), "1")
    timed = ["/usr/bin/time", "-f", "%U %S %M", *command]
    done = subprocess.run(timed, env=os.environ | one, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    user, system, kilobytes = map(float, done.stderr.strip().splitlines()[-1].split())
    return user + system, kilobytes / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=FORMATS, default="hh")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--map", nargs=2, type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.map:
        return mapped(given.kind, *given.map)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.jsonl")
        with path.open("w") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows(given.kind, given.rows))
        dataset = {"format": FORMATS[given.kind], "sources": [{"local": str(path)}]}
        settings = json.dumps({"dataset": dataset | {"heldout": 100}, "tokens": {}})
        asft = [str(Path(sys.executable).with_name("asft")), "prepare-dataset", "--name", "rows"]
        asft += ["--settings", settings, "--model", str(MODEL), "--out", f"{folder}/out"]
        other = [sys.executable, __file__, "--kind", given.kind, "--map", str(path)]
        found: dict[str, list[tuple[float, float]]] = {"asft": [], "map": []}
        for number in range(given.repeats):
            found["asft"].append(measured(asft))
            found["map"].append(measured([*other, f"{folder}/{number}/out.parquet"]))
        medians = {
            name: [statistics.median(column) for column in zip(*values, strict=True)]
            for name, values in found.items()
        }
    for name, (seconds, megabytes) in medians.items():
        print(f"{given.kind} {given.rows} {name}: {seconds:.1f} CPU s, {megabytes:.0f} MB")
    print(f"ratio of CPU seconds: {medians['asft'][0] / medians['map'][0]:.2f}")


if __name__ == "__main__":
    main()
