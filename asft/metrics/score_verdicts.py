"""Score files made of verdicts, a CSV row per question: all that tables need, no judge's texts.

Reads   verdicts/{benchmark}/{judge}.jsonl       records.Verdict
        benchmarks/{benchmark}/questions.jsonl   records.Question: what was asked, in this order
        completions/{benchmark}.jsonl            records.Completion, for tokens and style
        benchmarks/{benchmark}/judge/baseline.jsonl   answers.BaselineAnswer, for style (arena_hard)
Writes  scores/{benchmark}/{judge}.csv           question_id, category, judge_model, then
        mt_bench     turn1, turn1_status, turn2, …: the mean of the ok repeats, empty if none is
        arena_hard_v2  as arena_hard, and both_games: 1 where both have a verdict, else neither
                     counts
        arena_hard   repeat, g1_label, g1_status, g1_w, g1_y, g2_…: w is the game's weight, y the
                     policy's points; the baseline is assistant A in game 1, the policy in game 2
                     (decisive_weight, where it is not 3)
        alpaca_eval  g1_preference, g1_status, g2_…: the mean preference for the policy, 0 to 1, of
                     the ok repeats, empty if none is
        and tokens, truncated (answers cut by the token limit), the counts of `style_control`,
        thinking_tokens (of `tokens`) where some are known

Several repeats of a rating share a cell, their statuses joined by ";"; repeats of a game are rows.
A verdict that was never given is `missing`.

By hand: asft score-verdicts --verdicts v.jsonl --questions q.jsonl --protocol mt_bench --out s.csv
"""

import csv
import io
from pathlib import Path
from typing import Any

from asft.config import PROTOCOLS, judged_protocol
from asft.data import BaselineAnswer, require_answers
from asft.errors import UserError
from asft.files import read_jsonl, write_text
from asft.metrics.arena_hard import DECISIVE_WEIGHT
from asft.metrics.game_rows import weigh
from asft.metrics.protocols import SCORING
from asft.metrics.score_files import Key
from asft.metrics.style_control import FEATURES, count_style
from asft.records import Completion, Question, Verdict, by_id
from asft.thinking import shown

Row = dict[str, Any]


def aggregate_verdicts(
    verdicts: Path,
    questions: Path,
    completions: Path | None,
    protocol: str,
    out: Path,
    baseline: Path | None = None,
    with_thinking: bool = False,
    decisive_weight: int = 3,
    token_lengths: bool = False,
) -> None:
    """Write verdicts as one CSV row per question (per question and repeat for arena_hard).

    Args:
        protocol: one of a judge, such as mt_bench or arena_hard
        with_thinking: count the style of what was thought together with the answers
        decisive_weight: how often a game counts that the judge calls significantly better
        token_lengths: where all answers and the baseline's have a token count, by one tokenizer,
            take it as their length

    Raises:
        UserError: a verdict belongs to no question, occurs twice, lacks its rating or label or is
            of another protocol; an answer is missing.
    """
    facts = judged_protocol(protocol, out)
    if decisive_weight != DECISIVE_WEIGHT and not facts.weighs:
        raise UserError(f"{out}: the protocol {protocol} weighs no games (--decisive-weight)")
    asked = by_id(read_jsonl(questions, Question), questions)
    if not asked:
        raise UserError(f"{questions}: no questions")
    found = _by_key(read_jsonl(verdicts, Verdict), asked, protocol, verdicts)
    repeats = 1 + max((repeat for *_, repeat in found), default=0)
    rows = SCORING[protocol].rows(list(asked.values()), found, repeats)
    if decisive_weight != DECISIVE_WEIGHT:
        weigh(rows, decisive_weight)
    answers, opponents = _answers(completions, asked), _baseline(baseline, asked)
    thoughtful = any(answer.thinking_tokens for answer in answers.values())
    for row in rows:
        answer = answers.get(row["question_id"])
        row |= _answer_cells(answer) | ({"thinking_tokens": _thought(answer)} if thoughtful else {})
        if facts.pairwise:
            opponent = opponents.get(row["question_id"])
            known = answer is not None and answer.has_answer()
            row |= _style_cells("", answer.texts(with_thinking)[0] if answer and known else None)
            theirs = shown(opponent.text, with_thinking) if opponent else None
            row |= _style_cells("baseline_", theirs)
    if token_lengths:
        _use_token_counts(rows, opponents)
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
        expected = SCORING[protocol].asked(asked[verdict.question_id])
        if verdict.game not in (game for _, game in expected):
            kind = "a rating" if verdict.game == 0 else "a game"
            raise UserError(f"{where}: {kind} is no verdict of protocol {protocol!r}")
        if (verdict.turn, verdict.game) not in expected:
            raise UserError(f"{where}: turn {verdict.turn} was not asked")
        if verdict.status == "ok" and getattr(verdict, PROTOCOLS[protocol].verdict) is None:
            raise UserError(f"{where}: status is ok, but there is no rating or label")
        slot = verdict.game or verdict.turn
        key = (verdict.question_id, slot, verdict.repeat)
        if key in found:
            raise UserError(f"{where}: occurs twice (turn or game {slot}, repeat {key[2]})")
        found[key] = verdict
    return found


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


def _baseline(path: Path | None, asked: dict[str, Question]) -> dict[str, BaselineAnswer]:
    if path is None:
        return {}
    answers = by_id(read_jsonl(path, BaselineAnswer), path)
    require_answers(answers, asked.values(), str(path))
    return answers


def _answer_cells(answer: Completion | None) -> Row:
    if answer is None:
        return {"tokens": "", "truncated": ""}
    cut = sum(reason == "length" for reason in answer.finish_reasons)
    return {
        "tokens": _sum(answer.tokens),
        "truncated": cut if answer.finish_reasons else "",
    }


def _sum(tokens: list[int | None]) -> int | str:
    """The tokens of all turns; empty where those of one are not known."""
    known = [number for number in tokens if number is not None]
    return sum(known) if known and len(known) == len(tokens) else ""


def _use_token_counts(rows: list[Row], baseline: dict[str, BaselineAnswer]) -> None:
    """Set both lengths to the token counts, if these are known of all answers."""
    counts = {question_id: answer.tokens for question_id, answer in baseline.items()}
    pairs = [(row["tokens"], counts.get(row["question_id"])) for row in rows]
    if all(ours != "" and theirs is not None for ours, theirs in pairs):
        for row, (ours, theirs) in zip(rows, pairs, strict=True):
            row |= {"length": ours, "baseline_length": theirs}


def _thought(answer: Completion | None) -> int | str:
    return _sum(answer.thinking_tokens) if answer else ""


def _style_cells(prefix: str, answer: str | None) -> Row:
    counts = ("",) * len(FEATURES) if answer is None else count_style(answer)
    return {prefix + name: count for name, count in zip(FEATURES, counts, strict=True)}
