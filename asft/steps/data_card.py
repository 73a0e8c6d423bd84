"""A data set's card: what its preparation counted, and the test questions that its prompts hold.

A step of its own, so that other test questions change the card alone: nothing is prepared or
trained again.

Reads  <results>/data/{dataset}/counts.json, pairs.parquet,
       <results>/benchmarks/{benchmark}/questions.jsonl of each benchmark that a table asks for
Writes <results>/data/{dataset}/card.json
By hand: asft data-card --counts FILE --pairs FILE --questions NAME=FILE … --out card.json
"""

from pathlib import Path

from asft.overlap import count_overlap
from asft.parquet import read_parquet
from asft.records import Question, read_json, read_jsonl, write_json


def data_card(counts: Path, pairs: Path, questions: dict[str, Path], out: Path) -> None:
    """Write `out`; `questions` are files by the benchmark's name."""
    rows = read_parquet(pairs, columns=["id", "split", "prompt"]).to_pylist()
    train = [(row["id"], _turns(row["prompt"])) for row in rows if row["split"] == "train"]
    asked = {name: list(read_jsonl(path, Question)) for name, path in questions.items()}
    write_json(out, read_json(counts) | {"overlap": count_overlap(train, asked)})


def _turns(prompt: str | list[dict[str, str]]) -> list[str]:
    return [prompt] if isinstance(prompt, str) else [message["content"] for message in prompt]
