"""Prepare a benchmark: from its sources to questions, their gold answers and a card.

Reads  the sources of benchmarks.{benchmark}
Writes <results>/benchmarks/{benchmark}/questions.jsonl, card.json, judge/ (prompts, references,
       baseline's answers; empty where no judge is needed)
By hand: asft prepare-benchmark --settings JSON --name NAME --out DIR
"""

import hashlib
import random
import shutil
from pathlib import Path

from asft.config import PROTOCOLS, Part, unpinned
from asft.config import Benchmark as Benchmark
from asft.data.answer_formats import load_baseline
from asft.data.drops import Drops
from asft.data.question_formats import BENCHMARK_FORMATS
from asft.data.rows import Row, Unusable
from asft.data.system_prompts import read_system_prompts
from asft.errors import UserError, nearest
from asft.files import write_json, write_jsonl
from asft.records import Question


def prepare_questions(benchmark: Benchmark, name: str, rows: list[Row], out: Path) -> None:
    """Write `out`/questions.jsonl and `out`/card.json; see `limit` and `sample_seed` in the config.

    Raises:
        UserError: no rows, too many of them unusable, or a question with more turns than the
            benchmark's protocol can score: before answers to it are paid for.
    """
    parse, seen = BENCHMARK_FORMATS[benchmark.format], set[str]()

    def use(row: Row) -> Question:
        question = parse(row)
        if question.question_id in seen:
            raise Unusable("duplicate")
        seen.add(question.question_id)
        return question

    drops = Drops()
    questions = drops.sift(rows, "row", use)
    where = f"benchmark {name!r} ({benchmark.format})"
    drops.check(benchmark.max_dropped_share, where, f"benchmarks.{name}.max_dropped_share")
    found = _of_categories(questions, benchmark.categories, where)
    found = _of_part(found, benchmark.part, where)
    asked = _sample(found, benchmark.limit, benchmark.sample_seed)
    _check_turns(asked, benchmark.protocol, where)
    write_jsonl(out / "questions.jsonl", asked)
    card = {"benchmark": name, "format": benchmark.format, **drops.counts()}
    card |= {"kept": len(questions), "asked": len(asked), "sample_seed": benchmark.sample_seed}
    card |= {"part": benchmark.part.model_dump()} if benchmark.part else {}
    card |= {"categories": benchmark.categories} if benchmark.categories else {}
    files = [
        *benchmark.prompts,
        *benchmark.system_prompts,
        *benchmark.references,
        *benchmark.baseline,
    ]
    card |= {"unpinned": unpinned([*benchmark.sources, *files])}
    write_json(out / "card.json", card)


def _of_categories(questions: list[Question], names: list[str], where: str) -> list[Question]:
    known = dict.fromkeys(question.category for question in questions)
    for name in names:
        if name not in known:
            raise UserError(f"{where}: no question of category {name!r}{nearest(name, [*known])}")
    return [question for question in questions if not names or question.category in names]


def _of_part(questions: list[Question], part: Part | None, where: str) -> list[Question]:
    """The questions of a part; the text decides, so that the same question is in one part alone."""
    if part is None:
        return questions
    found = [q for q in questions if (_place(q) < part.share) == (part.of == "selection")]
    if not found:
        raise UserError(f"{where}: no question of {len(questions)} is in its part {part.of}")
    return found


def _place(question: Question) -> float:
    """A number from 0 to 1 that depends on nothing but the question's text."""
    text = " ".join(" ".join(question.turns).lower().split())
    return int(hashlib.sha256(text.encode()).hexdigest()[:13], 16) / 16**13


def _check_turns(questions: list[Question], protocol: str, where: str) -> None:
    most = PROTOCOLS[protocol].turns
    longer = [question for question in questions if most and len(question.turns) > most]
    if longer:
        first = longer[0]
        raise UserError(
            f"{where}: {len(longer)} of {len(questions)} questions have more turns than the"
            f" {most} that the protocol {protocol} can score (first: {first.question_id!r} with"
            f" {len(first.turns)}); shorten them, or leave them out"
        )


def _sample(questions: list[Question], limit: int | None, seed: int | None) -> list[Question]:
    if limit is None or limit >= len(questions):
        return questions
    if seed is None:
        return questions[:limit]
    chosen = random.Random(seed).sample(range(len(questions)), limit)
    return [questions[i] for i in sorted(chosen)]


def write_benchmark(settings: str, name: str, out: Path) -> None:
    """Prepare the questions of one benchmark, and what its judge is shown, in a folder.

    Args:
        settings: this step's part of the config, as JSON.
    """
    from asft.data.sources import fetch, load_rows

    benchmark = Benchmark.model_validate_json(settings)
    prepare_questions(benchmark, name, load_rows(benchmark.sources), out)
    # Kept as they came, in upstream's formats: the judge's messages must match to the byte.
    folder = out / "judge"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for filename, sources in [
        (PROTOCOLS[benchmark.protocol].prompts, benchmark.prompts),
        ("references.jsonl", benchmark.references),
    ]:
        if sources:
            shutil.copyfile(fetch(sources), folder / filename)
    if benchmark.system_prompts:
        texts = read_system_prompts(fetch(benchmark.system_prompts))
        write_json(folder / "system_prompts.json", texts)
    if benchmark.baseline:
        answers = load_baseline(load_rows(benchmark.baseline), f"baseline of {name}")
        write_jsonl(folder / "baseline.jsonl", answers.values())
