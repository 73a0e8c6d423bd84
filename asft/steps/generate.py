"""A policy's answers to a benchmark.

Reads  a policy folder, <results>/benchmarks/{benchmark}/questions.jsonl
Writes …/completions/{benchmark}.jsonl, in the order of the questions
       (while running: a `.partial` file beside it, which a rerun continues)
By hand: asft generate --policy DIR --questions FILE --settings JSON --seed N --out FILE
"""

import json
import os
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

from asft.config import Decoding, Generation
from asft.generation import answer_batch, batches
from asft.model_folders import load_tokenizer
from asft.models import (
    default_device,
    end_token_ids,
    load_policy,
    resolve_precision,
    use_threads,
)
from asft.records import Completion, Question, fingerprint, read_jsonl, write_jsonl


def generate(policy: Path, questions: Path, settings: str, seed: int, out: Path) -> None:
    """Answer every question; `settings` is JSON {"decoding", "temperatures", "generation"}."""
    chosen = json.loads(settings)
    generation = Generation.model_validate(chosen["generation"])
    use_threads(generation.threads)
    asked = read_jsonl(questions, Question)
    tokenizer = load_tokenizer(policy)
    partial = Partial(out, [chosen, seed, _identity(policy), [q.model_dump() for q in asked]])
    todo = [
        batch
        for batch in batches(asked, tokenizer, generation.batch_size)
        if not all(question.question_id in partial.done for question in batch)
    ]
    if todo:
        model = (
            load_policy(policy, resolve_precision(generation.precision)).to(default_device()).eval()
        )
        ends = end_token_ids(model, tokenizer)
        began = time.perf_counter()
        for batch in tqdm(todo, desc="generate", disable=None):
            decodings = [decoding_of(question, chosen) for question in batch]
            partial.add(list(answer_batch(model, tokenizer, batch, decodings, ends, seed)))
        answered = sum(len(batch) for batch in todo)
        print(f"answered {answered} questions in {time.perf_counter() - began:.1f} s")
    write_jsonl(out, [partial.done[question.question_id] for question in asked])
    partial.path.unlink(missing_ok=True)


def decoding_of(question: Question, settings: dict[str, Any]) -> Decoding:
    """How a question is answered: `temperatures` by category stand over `decoding`."""
    decoding = Decoding.model_validate(settings["decoding"])
    temperature = settings.get("temperatures", {}).get(question.category)
    if temperature is None:
        return decoding
    # FastChat takes anything below 1e-4 for greedy (gen_model_answer.py).
    sampled = {"do_sample": temperature >= 1e-4, "temperature": max(temperature, 1e-4)}
    return decoding.model_copy(update=sampled)


class Partial:
    """Completions so far, in a file whose first line says what they are answers to."""

    def __init__(self, out: Path, key: Any) -> None:
        self.path = out.with_suffix(".partial")
        self.done: dict[str, Completion] = {}
        self._key = fingerprint(key)
        lines = self.path.read_text(encoding="utf-8").split("\n") if self.path.exists() else []
        if lines and lines[0] == self._key:
            # The last piece follows the last newline: empty, or a line cut short by a kill.
            for line in lines[1:-1]:
                completion = Completion.model_validate_json(line)
                self.done[completion.question_id] = completion
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._write("w", [self._key, *(c.model_dump_json() for c in self.done.values())])

    def add(self, completions: list[Completion]) -> None:
        """Keep a batch: it survives a kill from here on."""
        self.done |= {completion.question_id: completion for completion in completions}
        self._write("a", [completion.model_dump_json() for completion in completions])

    def _write(self, mode: str, lines: list[str]) -> None:
        with self.path.open(mode, encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())


def _identity(policy: Path) -> list[Any]:
    """Which weights these are, without reading gigabytes: names, sizes and times of the files."""
    files = sorted(policy.iterdir())
    return [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files]
