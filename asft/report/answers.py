"""One benchmark as the report shows it: questions, everybody's answers, verdicts, scores."""

from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from asft.config import PROTOCOLS, Asked, Contestant
from asft.data import BaselineAnswer, load_reference_answers
from asft.errors import UserError
from asft.files import read_json_rows, read_jsonl
from asft.metrics import Metric, Scores, read_scores, read_verdict_scores
from asft.records import Completion, Question, Verdict, by_id
from asft.tables import FAMILIES, family_columns
from asft.thinking import bare, shown

Column = list[float | None]  # one value a question; None where there is none


class Measure(NamedTuple):
    """One way of scoring an answer; `kind` says how a page sorts scores into outcomes."""

    name: str
    label: str
    kind: str  # metric, rating or games
    scores: list[Column]  # by contestant
    flags: list[list[str]]  # by contestant: "n" a verdict is missing, "d" the two orders disagree


class Benchmark(NamedTuple):
    """The content of one benchmark; lists by contestant follow `asked.contestants`."""

    asked: Asked
    questions: list[Question]
    completions: list[dict[str, Completion]]
    verdicts: list[dict[str, list[tuple[str, Verdict]]]]  # by question: (judge, verdict)
    judge_references: dict[str, list[str]]
    baseline: dict[str, str]
    measures: list[Measure]


def read_benchmark(results: Path, asked: Asked) -> Benchmark:
    """Read all files of one benchmark.

    Raises:
        UserError: a file is unusable, or answers or scores are of other questions.
    """
    folder = results / "benchmarks" / asked.benchmark
    path = folder / "questions.jsonl"
    questions = list(by_id(read_jsonl(path, Question), path).values())
    ids = [question.question_id for question in questions]
    read = [_completions(results / c.completions(asked.benchmark), ids) for c in asked.contestants]
    references, baseline = folder / "judge/references.jsonl", folder / "judge/baseline.jsonl"
    measures = [_judged(results, asked, judge, ids) for judge in asked.judges]
    return Benchmark(
        asked,
        questions,
        read,
        [_verdicts(results, asked, contestant) for contestant in asked.contestants],
        load_reference_answers(read_json_rows(references)) if references.is_file() else {},
        {row.question_id: shown(row.text) for row in read_jsonl(baseline, BaselineAnswer)}
        if baseline.is_file()
        else {},
        measures or _metrics(results, asked, ids),
    )


def _completions(path: Path, ids: list[str]) -> dict[str, Completion]:
    found = by_id([answer.apart() for answer in read_jsonl(path, Completion)], path)
    _same_questions(path, list(found), ids)
    return found


def _verdicts(
    results: Path, asked: Asked, contestant: Contestant
) -> dict[str, list[tuple[str, Verdict]]]:
    found: dict[str, list[tuple[str, Verdict]]] = defaultdict(list)
    for judge in asked.judges:
        for verdict in read_jsonl(results / contestant.verdicts(asked.benchmark, judge), Verdict):
            found[verdict.question_id].append((judge, verdict))
    return found


def _metrics(results: Path, asked: Asked, ids: list[str]) -> list[Measure]:
    """The reference metrics, the paper's family first."""
    files = []
    for contestant in asked.contestants:
        files.append(read_scores(results / contestant.scores(asked.benchmark, "references")))
        _same_questions(files[-1].path, files[-1].question_ids, ids)
    columns = {c.key: c for family in FAMILIES for c in family_columns(family) if c.sample}
    return [
        Measure(key, c.sample, "metric", [_metric(file, c.metric, ids) for file in files], [])
        for key, c in columns.items()
    ]


def _metric(file: Scores, metric: Metric, ids: list[str]) -> Column:
    """One metric, question by question: the table's own arithmetic on single rows."""
    values = np.stack([file.columns[column] for column in metric.columns], axis=-1)
    found = metric.over_questions(values[:, None, :])
    found[np.isnan(values).any(axis=-1)] = np.nan  # no answer: corpus BLEU would make it 0
    return _by_question(dict(zip(file.question_ids, found.tolist(), strict=True)), ids)


def _by_question(values: dict[str, float], ids: list[str]) -> Column:
    return [_rounded(values.get(question_id)) for question_id in ids]


def _judged(results: Path, asked: Asked, judge: str, ids: list[str]) -> Measure:
    files = []
    for contestant in asked.contestants:
        files.append(read_verdict_scores(results / contestant.scores(asked.benchmark, judge)))
        _same_questions(files[-1].path, files[-1].question_ids, ids)
    facts = PROTOCOLS[asked.protocol]
    columns = [_by_question(file.question_scores(), ids) for file in files]
    flags = [[found[question_id] for question_id in ids] for found in (f.flags() for f in files)]
    kind = "games" if facts.pairwise else "rating"
    return Measure(judge, f"{facts.words} by {judge}", kind, columns, flags)


def _same_questions(path: Path, given: list[str], asked: list[str]) -> None:
    if sorted(given) != sorted(asked):
        odd = sorted(set(given) ^ set(asked))
        raise UserError(
            f"{path}: not the benchmark's questions"
            f" ({len(odd)} differ{f', first: {odd[0]!r}' if odd else ''}); make it again"
        )


def _rounded(value: float | None) -> float | None:
    """Four digits, as in the tables; whatever is no number is None."""
    return None if value is None or not np.isfinite(value) else round(value, 4)


def plain(verdict: Verdict, judge: int) -> dict[str, Any]:
    """Return a verdict for the page, without what is empty.

    `judge` is a place in `Asked.judges`.
    """
    facts = {
        "turn": verdict.turn,
        "game": verdict.game,
        "repeat": verdict.repeat,
        "rating": _rounded(verdict.rating),
        "label": verdict.label,
        "words": verdict.judgments,
        "thinking": [bare(text) for text in verdict.thinking],
        "detail": verdict.detail,
        "model": verdict.model,
        "probabilities": [[k.strip("[]"), round(p, 4)] for k, p in verdict.probabilities.items()],
    }
    # A rating may be 0: a lost game of AlpacaEval, or what FastChat's parse finds in "arr[0]".
    kept = {
        key: value
        for key, value in facts.items()
        if value not in (None, "", [], 0) or (key == "rating" and value == 0)
    }
    return {"judge": judge, "status": verdict.status} | kept
