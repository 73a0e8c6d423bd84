"""Verdicts to one CSV row per question: all that the tables need, without the judge's texts.

Reads   verdicts/{benchmark}/{judge}.jsonl       records.Verdict
        benchmarks/{benchmark}/questions.jsonl   records.Question: what was asked, in this order
        completions/{benchmark}.jsonl            records.Completion, for tokens and style
        benchmarks/{benchmark}/judge/baseline.jsonl   answers.BaselineAnswer, for style (arena_hard)
Writes  scores/{benchmark}/{judge}.csv           question_id, category, judge_model, then
        mt_bench     turn1, turn1_status, turn2, …: the mean of the ok repeats, empty if none is
        arena_hard   repeat, g1_label, g1_status, g1_w, g1_y, g2_…: w is the game's weight, y the
                     policy's points; the baseline is assistant A in game 1, the policy in game 2
        and tokens, truncated (answers cut by the token limit), the counts of `style_control`

Several repeats of a rating share a cell, their statuses joined by ";"; repeats of a game are rows.
A verdict that was never given is `missing`.

By hand: asft score-verdicts --verdicts v.jsonl --questions q.jsonl --protocol mt_bench --out s.csv
"""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from asft.data import BaselineAnswer, require_answers
from asft.errors import UserError, nearest
from asft.files import read_jsonl, write_text
from asft.metrics import mt_bench
from asft.metrics.arena_hard import OUTCOMES
from asft.metrics.style_control import FEATURES, count_style
from asft.records import Completion, Question, Verdict, by_id

Key = tuple[str, int, int]  # question_id, turn or game, repeat
Row = dict[str, Any]
PROTOCOLS = ("mt_bench", "arena_hard")


def aggregate_verdicts(
    verdicts: Path,
    questions: Path,
    completions: Path | None,
    protocol: str,
    out: Path,
    baseline: Path | None = None,
) -> None:
    """Write one CSV row per question (per question and repeat for arena_hard).

    Raises:
        UserError: a verdict belongs to no question, occurs twice, lacks its rating or label or is
            of the other protocol; an answer is missing.
    """
    if protocol not in PROTOCOLS:
        raise UserError(f"{out}: unknown protocol {protocol!r}{nearest(protocol, [*PROTOCOLS])}")
    asked = by_id(read_jsonl(questions, Question), questions)
    if not asked:
        raise UserError(f"{questions}: no questions")
    found = _by_key(read_jsonl(verdicts, Verdict), asked, protocol, verdicts)
    repeats = 1 + max((repeat for *_, repeat in found), default=0)
    if protocol == "mt_bench":
        rows = _rating_rows(list(asked.values()), found, repeats)
    else:
        rows = [
            _game_row(question, found, repeat)
            for question in asked.values()
            for repeat in range(repeats)
        ]
    answers, opponents = _answers(completions, asked), _baseline(baseline, asked)
    for row in rows:
        answer = answers.get(row["question_id"])
        row |= _answer_cells(answer)
        if protocol == "arena_hard":
            row |= _style_cells("", answer.turns[0] if answer else None)
            row |= _style_cells("baseline_", opponents.get(row["question_id"]))
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(out, text.getvalue())


def _by_key(
    verdicts: list[Verdict], asked: dict[str, Question], protocol: str, path: Path
) -> dict[Key, Verdict]:
    """Verdicts by (question, turn or game, repeat), each checked to be what the protocol asks."""
    found: dict[Key, Verdict] = {}
    for row, verdict in enumerate(verdicts, 1):
        where = f"{path}, row {row}, question_id {verdict.question_id!r}"
        if verdict.question_id not in asked:
            raise UserError(f"{where}: no such question")
        rated = protocol == "mt_bench"
        if rated != (verdict.game == 0):
            kind = "a rating" if verdict.game == 0 else "a game"
            raise UserError(f"{where}: {kind} is no verdict of protocol {protocol!r}")
        turns = len(asked[verdict.question_id].turns)
        if not 1 <= verdict.turn <= (turns if rated else 1):
            raise UserError(f"{where}: turn {verdict.turn} was not asked")
        if verdict.status == "ok" and (verdict.rating if rated else verdict.label) is None:
            raise UserError(f"{where}: status is ok, but there is no rating or label")
        slot = verdict.turn if rated else verdict.game
        key = (verdict.question_id, slot, verdict.repeat)
        if key in found:
            raise UserError(f"{where}: occurs twice (turn or game {slot}, repeat {key[2]})")
        found[key] = verdict
    return found


def _rating_rows(questions: list[Question], found: dict[Key, Verdict], repeats: int) -> list[Row]:
    rated = mt_bench.from_verdicts(found.values(), questions)
    rows = []
    for number, question in enumerate(questions):
        given = [
            [found.get((question.question_id, turn + 1, repeat)) for repeat in range(repeats)]
            for turn in range(len(question.turns))
        ]
        row = _first_cells(question, [verdict for turn in given for verdict in turn])
        for turn in range(rated.values.shape[1]):
            asked = turn < len(given)
            statuses = [v.status if v else "missing" for v in given[turn]] if asked else []
            mean = float(rated.values[number, turn, 0])
            row[f"turn{turn + 1}"] = mean if "ok" in statuses else ""
            row[f"turn{turn + 1}_status"] = ";".join(statuses)
        rows.append(row)
    return rows


def _game_row(question: Question, found: dict[Key, Verdict], repeat: int) -> Row:
    games = [found.get((question.question_id, game, repeat)) for game in (1, 2)]
    row = _first_cells(question, games) | {"repeat": repeat}
    for number, verdict in enumerate(games, 1):
        label = verdict.label if verdict and verdict.status == "ok" else None
        weight, points = OUTCOMES[label or ""]
        row[f"g{number}_label"] = label or ""
        row[f"g{number}_status"] = verdict.status if verdict else "missing"
        row[f"g{number}_w"] = int(weight)
        row[f"g{number}_y"] = (1 - points if number == 1 else points) if label else ""
    return row


def _first_cells(question: Question, verdicts: Sequence[Verdict | None]) -> Row:
    models = sorted({verdict.model for verdict in verdicts if verdict and verdict.model})
    return {
        "question_id": question.question_id,
        "category": question.category,
        "judge_model": ";".join(models),
    }


def _answers(path: Path | None, asked: dict[str, Question]) -> dict[str, Completion]:
    if path is None:
        return {}
    answers = by_id(read_jsonl(path, Completion), path)
    require_answers(answers, asked.values(), str(path))
    for question_id, question in asked.items():
        if len(answers[question_id].turns) != len(question.turns):
            raise UserError(
                f"{path}, question_id {question_id!r}: {len(answers[question_id].turns)} turns,"
                f" but {len(question.turns)} were asked"
            )
    return answers


def _baseline(path: Path | None, asked: dict[str, Question]) -> dict[str, str]:
    if path is None:
        return {}
    answers = by_id(read_jsonl(path, BaselineAnswer), path)
    require_answers(answers, asked.values(), str(path))
    return {question_id: answer.text for question_id, answer in answers.items()}


def _answer_cells(answer: Completion | None) -> Row:
    if answer is None:
        return {"tokens": "", "truncated": ""}
    cut = sum(reason == "length" for reason in answer.finish_reasons)
    return {
        "tokens": sum(answer.tokens) if answer.tokens else "",
        "truncated": cut if answer.finish_reasons else "",
    }


def _style_cells(prefix: str, answer: str | None) -> Row:
    counts = ("",) * len(FEATURES) if answer is None else count_style(answer)
    return {prefix + name: count for name, count in zip(FEATURES, counts, strict=True)}
