"""Generate a policy's answers to a benchmark.

Reads  a policy folder, <results>/benchmarks/{benchmark}/questions.jsonl
Writes …/completions/{benchmark}.jsonl, in the order of the questions
       (while running: a `.partial` file beside it, which a rerun continues)
By hand: asft generate --policy DIR --questions FILE --settings JSON --seed N --out FILE
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from asft.config import Decoding, Generation, Server
from asft.data import CLOCK
from asft.errors import UserError
from asft.files import fingerprint, naming, read_jsonl, write_jsonl, write_text
from asft.machine import claim_gpus
from asft.processes import place, ran_in_workers, split_of
from asft.progress import Bar
from asft.records import Completion, Question

# What FastChat takes for a category that its table does not name (gen_model_answer.py).
OTHER_CATEGORIES = 0.7


def generate_answers(
    settings: str, policy: Path, questions: Path, out: Path, seed: int = 0
) -> None:
    """Answer every question of a benchmark with a policy.

    Args:
        settings: {"decoding", "temperatures", "generation"} of the config, as JSON
    """
    chosen = json.loads(settings)
    generation = Generation.model_validate(chosen["generation"])
    claim_gpus(generation.processes)  # a server's, too: it is for its command to use them
    if generation.backend != "openai":
        ran_in_workers(generation.processes)  # this one collects their answers
    asked = read_jsonl(questions, Question)
    if generation.backend == "openai":
        return _ask_server(generation.server, policy, asked, chosen, seed, out)
    from asft.generation.answering import answer_share, shares
    from asft.generation.loading import load_to_answer
    from asft.models import identity_of, load_tokenizer, use_threads

    use_threads(generation.threads)
    tokenizer = load_tokenizer(policy)
    partial = Partial(out, [chosen, seed, identity_of(policy), [q.model_dump() for q in asked]])
    number, processes = place()
    whole = shares(asked, tokenizer, generation.batch_size, processes)
    if processes > 1 and number == 0:
        sizes = [{"questions": sum(map(len, whole[n::processes]))} for n in range(processes)]
        print(f"answers: {split_of(sizes)}", file=sys.stderr, flush=True)
    todo = [
        share
        for share in whole[number::processes]
        if not all(question.question_id in partial.done for question in share)
    ]
    if todo:
        model, ends = load_to_answer(policy, tokenizer, generation)
        began = time.perf_counter()
        turns = sum(len(question.turns) for share in todo for question in share)
        with Bar(total=turns, desc="generate", unit="answer") as bar:
            for share in todo:
                decodings = [decoding_of(question, chosen) for question in share]
                how = (ends, seed, generation.batch_size, bar.update)
                partial.add(list(answer_share(model, tokenizer, share, decodings, *how)))
        answered = sum(map(len, todo))
        print(f"answered {answered} questions in {time.perf_counter() - began:.1f} s")
    if processes == 1:  # else the process that started the others collects their answers
        write_jsonl(out, [partial.done[question.question_id] for question in asked])
        partial.remove()


def _ask_server(
    settings: Server, policy: Path, asked: list[Question], chosen: Any, seed: int, out: Path
) -> None:
    from asft.generation.server import answer_all, served
    from asft.models import files_of, identity_of, load_tokenizer

    if CLOCK in str(load_tokenizer(policy).chat_template):
        raise UserError(
            f"{policy}: its chat template writes today's date, and a server takes it from its own"
            " clock: answer with generation.backend: transformers, or set"
            " models.<name>.chat_template to one with a fixed date"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    # Named after the weights: answers of others are never taken up.
    store = out.with_suffix(f".{fingerprint(identity_of(policy))[:12]}.partial.answers")
    decodings = [decoding_of(question, chosen) for question in asked]
    # The base policy may be a pointer, which servers cannot read.
    links = out.with_suffix(".served")
    files = files_of(policy, links)
    with served(settings, files, out.with_suffix(".server.log")) as url:
        completions = answer_all(url, settings, files, asked, decodings, seed, store)
    write_jsonl(out, completions)
    shutil.rmtree(links, ignore_errors=True)
    for path in out.parent.glob(f"{out.stem}.*.partial.answers"):
        shutil.rmtree(path)
    for path in out.parent.glob(f"{out.stem}.*.partial.sqlite*"):  # of older versions
        path.unlink()


def decoding_of(question: Question, settings: dict[str, Any]) -> Decoding:
    """Return how a question is sampled: by its category's temperature if given, else `decoding`.

    A category that they do not name is answered at FastChat's 0.7.
    """
    decoding = Decoding.model_validate(settings["decoding"])
    temperatures = settings.get("temperatures")
    if not temperatures:
        return decoding
    temperature = temperatures.get(question.category, OTHER_CATEGORIES)
    # FastChat takes anything below 1e-4 for greedy (gen_model_answer.py).
    sampled = {"do_sample": temperature >= 1e-4, "temperature": max(temperature, 1e-4)}
    return decoding.model_copy(update=sampled)


class Partial:
    """The completions so far, in a file whose first line says what they are answers to.

    Each of several processes has a file of its own, and reads those of all.
    """

    def __init__(self, out: Path, key: Any) -> None:
        number = place()[0]
        self.path = out.with_suffix(f".{number}.partial" if number else ".partial")
        self._others = [out.with_suffix(".partial"), *out.parent.glob(f"{out.stem}.*.partial")]
        key = fingerprint(key)
        self.done = {c.question_id: c for path in self._others for c in self._read(path, key)}
        write_text(self.path, "".join([f"{key}\n", *map(_line, self.done.values())]))

    def remove(self) -> None:
        """Delete the files of all processes."""
        for path in [*self._others, self.path]:
            path.unlink(missing_ok=True)

    def add(self, completions: list[Completion]) -> None:
        """Append a share to the file, so that it survives a kill from here on."""
        self.done |= {completion.question_id: completion for completion in completions}
        with naming(self.path), self.path.open("ab") as file:
            file.write("".join(map(_line, completions)).encode())
            file.flush()
            os.fsync(file.fileno())

    def _read(self, path: Path, key: str) -> Iterator[Completion]:
        # Bytes: a kill or a full disk may have cut a line within a character.
        lines = path.read_bytes().split(b"\n") if path.exists() else []
        if lines and lines[0] == key.encode():
            for line in lines[1:-1]:  # what follows the last newline is cut short
                with suppress(ValidationError):  # damaged: that question is answered again
                    yield Completion.model_validate_json(line)


def _line(completion: Completion) -> str:
    return completion.model_dump_json() + "\n"
