"""Scores of completions against reference answers, question by question.

Reads   benchmarks/{benchmark}/questions.jsonl   records.Question, with at least one reference each
        completions/{benchmark}.jsonl            records.Completion, the same question ids
Writes  scores/{benchmark}/references.csv        one row per question, in the questions' order:
        question_id, category, the columns of `corpus.METRICS` (rouge1 … lf_rougeL; BLEU as its
        counts, since corpus BLEU is no mean of rows), tokens, finish_reason, bleu_signature,
        and thinking_tokens (of `tokens`) where some are known; rouge_dropped where some questions
        have no ROUGE: the script that rouge-score's tokenizer drops. The cells of a question
        without an answer are empty

By hand: asft score --questions questions.jsonl --completions completions.jsonl --out scores.csv
"""

import csv
import io
import math
from pathlib import Path
from typing import Any

from asft.errors import UserError
from asft.files import read_jsonl, write_text
from asft.metrics.bleu_rouge import bleu_signature
from asft.metrics.parallel import score_in_processes
from asft.metrics.score_files import DROPPED
from asft.metrics.scripts import dropped_script
from asft.processes import job_threads
from asft.records import Completion, Question, by_id


def score_answers(
    questions: Path, completions: Path, out: Path, with_thinking: bool = False
) -> None:
    """Write the scores of completions against reference answers, one CSV row per question.

    Args:
        with_thinking: score what the policy thought together with its answers

    Raises:
        UserError: the question ids of the two files differ, a question has no reference, or
            anything has more or less than one turn.
    """
    asked = by_id(read_jsonl(questions, Question), questions)
    answered = by_id(read_jsonl(completions, Completion), completions)
    _check(asked, answered, questions, completions)
    answers = [answered[question_id] for question_id in asked]
    references = [question.references for question in asked.values()]
    texts = [answer.texts(with_thinking)[0] for answer in answers]
    columns = score_in_processes(texts, references, job_threads())
    for number, answer in enumerate(answers):
        if not answer.has_answer():
            for column in columns.values():
                column[number] = math.nan  # an empty cell
    table = {
        "question_id": list(asked),
        "category": [question.category for question in asked.values()],
        **columns,
        "tokens": [answer.tokens[0] for answer in answers],
        "finish_reason": [answer.finish_reasons[0] for answer in answers],
        "bleu_signature": [bleu_signature(references)] * len(asked),
    }
    if thoughtful := sum(bool(answer.apart().thinking) for answer in answers):
        scored = "and it is scored with them" if with_thinking else "which is not scored"
        print(f"{thoughtful} of {len(answers)} answers hold thinking, {scored}")
    if any(answer.thinking_tokens for answer in answers):
        table["thinking_tokens"] = [(answer.thinking_tokens or [None])[0] for answer in answers]
    if any(dropped := [dropped_script(texts) for texts in references]):
        table[DROPPED] = dropped
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")  # writes floats by repr
    writer.writerow(table)
    writer.writerows([_cell(v) for v in row] for row in zip(*table.values(), strict=True))
    write_text(out, text.getvalue())


def _cell(value: Any) -> Any:
    """A cell of a CSV; empty where nothing was measured."""
    return "" if isinstance(value, float) and math.isnan(value) else value


def _check(
    asked: dict[str, Question], answered: dict[str, Completion], questions: Path, completions: Path
) -> None:
    if not asked:
        raise UserError(f"{questions}: no questions")
    for question_id in asked:
        if question_id not in answered:
            raise UserError(f"{completions}: no completion of question_id {question_id!r}")
    for question_id in answered:
        if question_id not in asked:
            raise UserError(f"{completions}: question_id {question_id!r} is not in {questions}")
    for row, question in enumerate(asked.values(), 1):
        if len(question.turns) != 1 or not question.references:
            raise UserError(
                f"{questions}, row {row}, question_id {question.question_id!r}: reference metrics"
                f" need 1 turn and a reference, found {len(question.turns)} turns and"
                f" {len(question.references)} references"
            )
    for row, answer in enumerate(answered.values(), 1):
        lengths = {len(answer.turns), len(answer.tokens), len(answer.finish_reasons)}
        if lengths != {1}:
            raise UserError(
                f"{completions}, row {row}, question_id {answer.question_id!r}: turns, tokens and"
                " finish_reasons must each have one entry"
            )
