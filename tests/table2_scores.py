"""Score files of Table 2 from made-up verdicts, and the table made from them."""

from pathlib import Path
from typing import Any

import numpy as np

from asft.config.experiment import Statistics
from asft.data.answer_formats import BaselineAnswer
from asft.files import write_jsonl
from asft.metrics.score_verdicts import aggregate_verdicts
from asft.records import Completion, Question, Verdict
from asft.tables.table2 import tabulate_table2

SETTINGS = Statistics()
N = 24
RATED = [
    Question(question_id=f"{81 + i}", category="math" if i % 2 else "stem", turns=["a", "b"])
    for i in range(N)
]
PLAYED = [Question(question_id=f"q{i}", turns=["?"]) for i in range(N)]


Job = tuple[str, int, str, str, Path]


def ratings(level: float, seed: int, failing: int = 0, judge: str = "gpt-4-0613") -> list[Verdict]:
    random = np.random.default_rng(seed)
    rows = []
    for i, question in enumerate(RATED):
        for turn in (1, 2):
            about: dict[str, Any] = {"question_id": question.question_id, "turn": turn}
            if i < failing:
                rows.append(Verdict(status="api_error", **about))
            else:
                rating = level - (turn - 1) + random.integers(-1, 2)
                rows.append(Verdict(status="ok", rating=rating, model=judge, **about))
    return rows


def games(share: float, seed: int, judge: str = "gpt-4-1106-preview") -> list[Verdict]:
    random = np.random.default_rng(seed)
    rows = []
    for question in PLAYED:
        for game in (1, 2):
            won = random.random() < share
            label = "B>A" if won == (game == 1) else "A>B"
            about: dict[str, Any] = {"question_id": question.question_id, "game": game}
            rows.append(Verdict(status="ok", label=label, model=judge, **about))
    return rows


def answers(seed: int) -> list[Completion]:
    words = np.random.default_rng(seed).integers(5, 30, N)
    return [
        Completion(
            question_id=question.question_id,
            turns=["- word " * int(count)],
            finish_reasons=["stop"],
            tokens=[int(count)],
        )
        for question, count in zip(PLAYED, words, strict=True)
    ]


def job(
    folder: Path, method: str, seed: int, benchmark: str, judge: str, verdicts: list[Verdict]
) -> Job:
    """A score file made from verdicts, as the workflow does."""
    at = folder / method / str(seed) / benchmark / judge
    rated = verdicts[0].game == 0
    questions = RATED if rated else PLAYED
    baseline = [BaselineAnswer(question_id=q.question_id, text="word " * 15) for q in PLAYED]
    write_jsonl(at / "verdicts.jsonl", verdicts)
    write_jsonl(at / "questions.jsonl", questions)
    write_jsonl(at / "completions.jsonl", answers(seed))
    write_jsonl(at / "baseline.jsonl", baseline)
    aggregate_verdicts(
        at / "verdicts.jsonl",
        at / "questions.jsonl",
        None if rated else at / "completions.jsonl",
        "mt_bench" if rated else "arena_hard",
        at / "scores.csv",
        None if rated else at / "baseline.jsonl",
    )
    return method, seed, benchmark, judge, at / "scores.csv"


def jobs(folder: Path, control: float = 0.1, failing: int = 0) -> list[Job]:
    found = []
    for method, seed, share, level, lost in [
        ("control_null", 0, control, 2, 0),
        ("base", 0, 0.3, 6, 0),
        ("dpo", 1, 0.5, 7, failing),
        ("dpo", 2, 0.5, 7, failing),
        ("asft", 1, 0.6, 8, 0),
        ("asft", 2, 0.6, 8, 0),
        ("sft", 1, 0.4, 6, 0),
        ("sft", 2, 0.4, 6, 0),
    ]:
        found += [
            job(folder, method, seed, "arena_hard", "gpt4t", games(share, 7 + seed)),
            job(folder, method, seed, "mt_bench", "gpt4", ratings(level, seed, lost)),
        ]
    return found


def run(folder: Path, scores: list[Job], **others: Any) -> Path:
    out = folder / "out" / "table2.csv"
    tabulate_table2(scores, "tiny_model", "not\ncomparable", SETTINGS, out, **others)
    return out
