"""Formats of published answers: a judge's references, a baseline's, and a model's.

Reads rows of upstream answer files (FastChat's reference_answer/*.jsonl, Arena-Hard's
model_answer/*.jsonl, AlpacaEval's model_outputs.json); `where` names the file in errors. Texts are
kept as they are: two of gpt-4-0314's answers end in whitespace, and upstream sends it to the judge.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

from asft.data.rows import Row, Unusable, id_of, list_of, text_of, value_of
from asft.errors import UserError
from asft.files import fingerprint
from asft.records import Completion, Question, Record

T = TypeVar("T")
API_ERROR = "$ERROR$"  # what upstream's tools write in place of an answer


class BaselineAnswer(Record):
    """The baseline's answer to one question, its length by upstream's own count, and its name."""

    question_id: str
    text: str
    tokens: int | None = None
    model: str = ""  # as the file names it, if it does


def load_reference_answers(
    rows: Iterable[Row], where: str = "reference answers"
) -> dict[str, list[str]]:
    """Read reference answers by question, one a turn (FastChat 0e6d3e4, choices[0].turns).

    Raises:
        UserError: a row without an id or an answer, or two different answers to one question.
    """
    return _by_question(
        rows, lambda row: [text_of(t) for t in list_of(_choice(row), "turns")], where
    )


def load_baseline(
    rows: Iterable[Row], where: str = "baseline answers", last: bool = False
) -> dict[str, BaselineAnswer]:
    """Read the baseline's answers by question, in either schema of arena-hard-auto or AlpacaEval's.

    Until 900183d `choices[0].turns[0]` holds `content` and `token_len`; since then the last of
    `messages` holds `{"answer": …}` and `metadata` a `token_len`, which the files that were
    converted, gpt-4-0314's among them, lack: then `tokens` is null.

    Args:
        last: of several answers to one question take the last valid one.

    Raises:
        UserError: a row without an id or an answer; without `last` two different answers to one
            question.
    """
    valid = (lambda answer: _is_valid(answer.text)) if last else None
    return _by_question(rows, _baseline_answer, where, valid)


def load_completions(rows: Iterable[Row], where: str = "answers") -> dict[str, Completion]:
    """Read a model's published answers by question, in FastChat's or either Arena-Hard schema.

    Token counts are the publisher's; where there are none, and for why an answer ended, the lists
    are empty. Of several answers to one question the last valid one is taken: neither empty nor an
    API's error. Upstream takes the last.

    Raises:
        UserError: a row without an id or an answer.
    """
    return _by_question(rows, _completion, where, lambda c: all(map(_is_valid, c.turns)))


def require_answers(
    answers: Collection[str], questions: Iterable[Question], where: str = "answers"
) -> None:
    """Refuse questions whose id is not among those of `answers`.

    Raises:
        UserError: says how many have none and which is the first.
    """
    asked = [question.question_id for question in questions]
    missing = [question_id for question_id in asked if question_id not in answers]
    if missing:
        raise UserError(
            f"{where}: no answer to {len(missing)} of {len(asked)} questions "
            f"(first: {missing[0]!r}); use the answers that belong to these questions"
        )


def _is_valid(text: str) -> bool:
    return text.strip() not in ("", API_ERROR)


def _by_question(
    rows: Iterable[Row],
    read: Callable[[Row], T],
    where: str,
    valid: Callable[[T], bool] | None = None,
) -> dict[str, T]:
    """Read answers; given `valid`, the last valid one to a question, else there may be one only."""
    answers: dict[str, T] = {}
    for number, row in enumerate(rows, 1):
        try:
            question_id, answer = _id_of(row), read(row)
        except Unusable as fault:
            raise UserError(f"{where}, row {number}: not an answer ({fault.reason})") from fault
        kept = answers.setdefault(question_id, answer)
        if valid and (valid(answer) or not valid(kept)):
            answers[question_id] = answer
        elif not valid and kept != answer:
            raise UserError(
                f"{where}, row {number}: a second, different answer to question "
                f"{question_id!r}; keep one"
            )
    return answers


def _is_output(row: Row) -> bool:
    """Whether a row is AlpacaEval's, which names no question but says what was asked."""
    return "uid" not in row and "question_id" not in row and "instruction" in row


def _id_of(row: Row) -> str:
    return fingerprint(text_of(row["instruction"]))[:16] if _is_output(row) else id_of(row)


def _baseline_answer(row: Row) -> BaselineAnswer:
    if _is_output(row):
        text, tokens = value_of(row, "output"), None
    elif "messages" in row:
        text = value_of(_dict(_dict(list_of(row, "messages")[-1]).get("content")), "answer")
        tokens = _dict(row.get("metadata") or {}).get("token_len")
    else:
        turn = _dict(list_of(_choice(row), "turns")[0])
        text, tokens = value_of(turn, "content"), turn.get("token_len")
    if tokens is not None and not isinstance(tokens, int):
        raise Unusable("malformed")
    model = text_of(row.get("model") or row.get("model_id") or row.get("generator") or "")
    return BaselineAnswer(question_id=_id_of(row), text=text_of(text), tokens=tokens, model=model)


def _completion(row: Row) -> Completion:
    if _is_output(row) or "messages" in row or isinstance(list_of(_choice(row), "turns")[0], dict):
        answer = _baseline_answer(row)
        tokens = [] if answer.tokens is None else [answer.tokens]
        turns = [answer.text]
    else:
        turns, tokens = [text_of(turn) for turn in list_of(_choice(row), "turns")], []
    return Completion(question_id=_id_of(row), turns=turns, finish_reasons=[], tokens=tokens)


def _choice(row: Row) -> Row:
    return _dict(list_of(row, "choices")[0])


def _dict(value: Any) -> Row:
    if not isinstance(value, dict):
        raise Unusable("malformed")
    return value
