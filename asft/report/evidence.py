"""A benchmark's samples as the files that the page loads: an index of scores, and texts in chunks.

`data/{benchmark}/index.js` is small: what filters and lists need. `data/{benchmark}/{n}.js` holds
whole samples, loaded when one is opened or answers are searched. Lists run parallel to
`contestants` and `questions`; no text is ever a key.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from asft.config import Contestant
from asft.figures import colour_of
from asft.records import Completion
from asft.report.answers import Benchmark, plain
from asft.report.scripts import assignment
from asft.thinking import bare

CHUNK = 300_000  # characters: a moment's reading from a disk
TITLE = 160  # characters of a question shown in lists


def files(benchmark: Benchmark, methods: Sequence[str], number: int) -> Iterator[tuple[str, str]]:
    """Yield (path below assets/, content) of every file of a benchmark.

    `number` is the benchmark's in the report.
    """
    name = benchmark.asked.benchmark
    chunks, places = _chunks([_sample(benchmark, n) for n in range(len(benchmark.questions))])
    yield f"data/{name}/index.js", assignment(f"{number}", index(benchmark, methods, places))
    for place, chunk in enumerate(chunks):
        yield f"data/{name}/{place}.js", assignment(f"{number}/{place}", chunk)


def index(benchmark: Benchmark, methods: Sequence[str], places: list[int]) -> dict[str, Any]:
    """Return the index of all questions: ids, beginnings and scores; `places` are their chunks."""
    questions = benchmark.questions
    return {
        "benchmark": benchmark.asked.benchmark,
        "protocol": benchmark.asked.protocol,
        "judges": benchmark.asked.judges,
        "ids": [question.question_id for question in questions],
        "categories": [question.category for question in questions],
        "titles": [_title(question.turns[0]) for question in questions],
        "chunks": places,
        "contestants": [
            {
                "key": key_of(contestant),
                "method": contestant.method,
                "dataset": contestant.dataset if contestant.is_trained else "",
                "seed": contestant.seed if contestant.is_trained else None,
                "control": contestant.method.startswith("control_"),
                "colour": colour_of(contestant.method, methods),
            }
            for contestant in benchmark.asked.contestants
        ],
        "groups": groups(benchmark.asked.contestants),
        "measures": [measure._asdict() for measure in benchmark.measures],
    }


def groups(contestants: Sequence[Contestant]) -> list[dict[str, Any]]:
    """Return groups of runs that differ in their seeds alone; `members` are their places.

    The tables' means are of all `members` together.
    """
    found: dict[str, list[int]] = {}
    for place, contestant in enumerate(contestants):
        if contestant.is_trained:
            found.setdefault(contestant.folder.rpartition("/")[0], []).append(place)
    return [{"key": key, "members": places} for key, places in found.items() if len(places) > 1]


def key_of(contestant: Contestant) -> str:
    """Return the contestant's name in links: its folder below runs/."""
    return contestant.folder


def _title(text: str) -> str:
    line = " ".join(text[: 4 * TITLE].split())
    return line if len(line) <= TITLE else f"{line[:TITLE]}…"


def _sample(benchmark: Benchmark, number: int) -> dict[str, Any]:
    question = benchmark.questions[number]
    key = question.question_id
    answers = []
    for completions, verdicts in zip(benchmark.completions, benchmark.verdicts, strict=True):
        answer = completions[key]
        answers.append(
            {
                "turns": answer.turns,
                "ends": answer.finish_reasons,
                "tokens": answer.tokens,
                "verdicts": [
                    plain(verdict, benchmark.asked.judges.index(judge))
                    for judge, verdict in verdicts.get(key, [])
                ],
            }
            | _thinking(answer)
        )
    return {
        "turns": question.turns,
        "references": question.references,
        "judge_references": benchmark.judge_references.get(key, []),
        "baseline": benchmark.baseline.get(key),
        "answers": answers,
    }


def _thinking(answer: Completion) -> dict[str, Any]:
    """What a policy thought before its answers, for the page; nothing where it did not."""
    if not answer.thinking:
        return {}
    texts = [bare(text) for text in answer.thinking]
    return {"thinking": texts, "thinking_tokens": answer.thinking_tokens}


def _chunks(samples: list[dict[str, Any]]) -> tuple[list[list[Any]], list[int]]:
    """Samples in runs of about `CHUNK` characters, each as [number, sample]; and each one's run."""
    chunks: list[list[Any]] = []
    places, room = [], 0
    for number, sample in enumerate(samples):
        size = len(json.dumps(sample))
        if not chunks or size > room:
            chunks.append([])
            room = CHUNK
        room -= size
        chunks[-1].append([number, sample])
        places.append(len(chunks) - 1)
    return chunks, places
