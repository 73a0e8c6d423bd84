"""The nouns of the project and their files: what passes from one step to the next.

Every file is written whole or not at all: to a temporary name in the same folder, then renamed.
Reads nothing but the files it is given; imports neither torch nor transformers.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, TypedDict, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from asft.errors import NO_ROOM, UserError


class Message(TypedDict):
    """One turn of a conversation, as chat templates expect it."""

    role: Literal["system", "user", "assistant"]
    content: str


class Pair(NamedTuple):
    """One preference pair in TRL's explicit-prompt format.

    Conversational: `prompt` is a list of messages ending with the user's, completions are lists of
    one assistant message. Plain: all three are strings (no chat template is applied to them).
    """

    prompt: list[Message] | str
    chosen: list[Message] | str
    rejected: list[Message] | str

    @property
    def id(self) -> str:
        """Content hash: equal pairs have equal ids wherever they stand in a file."""
        return fingerprint(list(self))[:16]


class Record(BaseModel):
    """Base of the JSONL records: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


R = TypeVar("R", bound=Record)


class Question(Record):
    """One benchmark item: the user's turns in order, and reference answers where there are any."""

    question_id: str
    category: str = ""
    turns: list[str]
    references: list[str] = []


class Completion(Record):
    """A policy's answers to one question, one per turn.

    `finish_reasons` and `tokens` are one per turn too, or empty where nobody knows (published
    answers).
    """

    question_id: str
    turns: list[str]
    finish_reasons: list[Literal["stop", "length"]]
    tokens: list[int]


Label = Literal["A>>B", "A>B", "A=B", "B>A", "B>>A"]
VerdictStatus = Literal["ok", "no_verdict", "conflicting", "out_of_range", "truncated", "api_error"]


class Verdict(Record):
    """A judge's verdict on one rated turn (MT-Bench) or one game (Arena-Hard).

    `rating` (1-10) or `label` is set when `status` is "ok", and only then.
    """

    question_id: str
    category: str = ""
    turn: int = 1  # the judged turn, from 1
    game: Literal[0, 1, 2] = 0  # 0: a rating; 1: the baseline is assistant A; 2: it is B
    repeat: int = 0
    status: VerdictStatus
    rating: float | None = None
    label: Label | None = None
    judgments: list[str] = []  # the judge's raw answers, that to a continuation question last
    keys: list[str] = []  # of these answers in the store
    model: str = ""  # the model name that came back with the answers
    detail: str = ""  # what went wrong, in words
    probabilities: dict[str, float] = {}  # of every allowed verdict, from judges that give them


def fingerprint(value: Any) -> str:
    """sha256 of a JSON-serialisable value, independent of key order."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def naming(path: Path | str) -> Iterator[None]:
    """Name the file in the error of a full disk: a write that fails does not say to what."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno in NO_ROOM:
            error.filename = str(path)
        raise


@contextmanager
def atomic(path: Path | str) -> Iterator[Path]:
    """A temporary path beside `path`, renamed onto it when the block ends well."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        with naming(path):
            yield temporary
        # mkstemp makes 0600 files; outputs follow the user's umask like any other file.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path | str, text: str) -> None:
    """Write `text` as UTF-8 with `\\n` line ends, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path | str, value: Any) -> None:
    """Write one JSON document, indented, keys in the order given."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_jsonl(path: Path | str, rows: Iterable[Record]) -> None:
    """Write records, one JSON object a line."""
    write_text(path, "".join(row.model_dump_json() + "\n" for row in rows))


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, without a byte order mark.

    Raises:
        UserError: no such file, or not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: not UTF-8 at byte {error.start}; convert the file to UTF-8"
        ) from error


def read_json(path: Path | str) -> Any:
    """One JSON document.

    Raises:
        UserError: no such file, or not UTF-8 JSON; names the file.
    """
    return _parse_json(read_text(Path(path)), f"{path}")


def read_json_rows(path: Path | str) -> list[dict[str, Any]]:
    """Rows of a `.jsonl` file, or of a `.json` file that holds a list of objects.

    Raises:
        UserError: the file is not UTF-8 JSON; names the file and the line.
    """
    path = Path(path)
    text = read_text(path)
    if path.suffix == ".json":
        rows = _parse_json(text, f"{path}")
        if not isinstance(rows, list):
            raise UserError(f"{path}: expected a JSON list of objects, found {type(rows).__name__}")
    else:
        # Not splitlines(): it also cuts at U+2028 and others, which JSON strings may contain.
        lines = text.split("\n")
        rows = [
            _parse_json(line, f"{path}, line {n}")
            for n, line in enumerate(lines, 1)
            if line.strip()
        ]
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise UserError(f"{path}, row {number}: expected an object, found {type(row).__name__}")
    return rows


def read_jsonl(path: Path | str, kind: type[R]) -> list[R]:
    """Records of one kind from a JSONL file.

    Raises:
        UserError: a row does not fit; names the file, the row and the key.
    """
    records = []
    for number, row in enumerate(read_json_rows(path), 1):
        try:
            records.append(kind.model_validate(row))
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            raise UserError(f"{path}, row {number}, key {key!r}: {first['msg']}") from error
    return records


class _Answering(Protocol):
    @property
    def question_id(self) -> str: ...


Q = TypeVar("Q", bound=_Answering)


def by_id(records: list[Q], path: Path) -> dict[str, Q]:
    """Records of one file by question id, in file order.

    Raises:
        UserError: an id occurs twice; names the file and the row.
    """
    found: dict[str, Q] = {}
    for row, record in enumerate(records, 1):
        if record.question_id in found:
            raise UserError(f"{path}, row {row}: question_id {record.question_id!r} occurs twice")
        found[record.question_id] = record
    return found


def _parse_json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{where}: not JSON ({error.msg} at column {error.colno})") from error
    except (RecursionError, ValueError) as error:  # a thousand brackets, a number of 5000 digits
        raise UserError(f"{where}: JSON that cannot be read ({error})") from error
