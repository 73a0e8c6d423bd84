"""One's own prompts, which need no references: text, JSON lines, or what comes in by a pipe."""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from asft.errors import UserError
from asft.files import read_json_rows, read_text
from asft.records import Question

ENDINGS = (".txt", ".jsonl", ".json")
STDIN = "-"
_OF_MESSAGE = {"role", "content"}


def read_prompts(path: str) -> list[Question]:
    """Read prompts: of a text file one a line, of JSON lines `prompt` or `messages` of a row.

    A prompt is a string or a conversation that ends with the user's turn; its id is the row's `id`
    or `question_id`, else its number. From `-`, the standard input, come lines of text, or rows of
    JSON if the first is an object.

    Raises:
        UserError: no such file, no prompts in it, or a row that is none; names file and row.
    """
    name = "standard input" if path == STDIN else path
    rows = _rows(path, name)
    if not rows:
        raise UserError(f"{name}: no prompts")
    found = [_question(row, number, f"{name}, row {number}") for number, row in rows]
    for number, question in zip((number for number, _ in rows), found, strict=True):
        if sum(other.question_id == question.question_id for other in found) > 1:
            raise UserError(f"{name}, row {number}: id {question.question_id!r} occurs twice")
    return found


def _rows(path: str, name: str) -> list[tuple[int, dict[str, Any]]]:
    """Rows with their numbers, from 1."""
    if path.endswith((".jsonl", ".json")):
        return list(enumerate(read_json_rows(path), 1))
    text = _standard_input() if path == STDIN else read_text(Path(path))
    # Not splitlines(): it also cuts at U+2028 and others, which may stand in a prompt.
    lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    if path == STDIN and lines and lines[0][1].startswith("{"):
        return [(n, _parsed(line, f"{name}, row {n}")) for n, line in lines]
    return [(n, {"prompt": line.strip()}) for n, line in lines]


def _standard_input() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"standard input: not UTF-8 at byte {error.start}") from error


def _parsed(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise UserError(f"{where}: not JSON ({error})") from error
    if not isinstance(row, dict):
        raise UserError(f"{where}: expected an object, found {type(row).__name__}")
    return row


def _question(row: dict[str, Any], number: int, where: str) -> Question:
    given = row.get("messages", row.get("prompt"))
    messages = [{"role": "user", "content": given}] if isinstance(given, str) else given
    if not isinstance(messages, list) or not all(isinstance(turn, dict) for turn in messages):
        raise UserError(f"{where}: needs `prompt`, a text, or `messages`, a list of turns")
    if not messages or messages[-1].get("role") != "user":
        raise UserError(f"{where}: its last turn is not the user's, so there is nothing to answer")
    if others := sorted({key for turn in messages for key in turn} - _OF_MESSAGE):
        raise UserError(f"{where}: a turn has {others[0]!r}; only role and content are asked")
    try:
        found = Question(
            question_id=str(row.get("question_id", row.get("id", number))),
            context=messages[:-1],
            turns=[messages[-1].get("content")],
        )
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise UserError(f"{where}, {key}: {first['msg']}") from error
    if not found.turns[0].strip():
        raise UserError(f"{where}: an empty prompt")
    return found
