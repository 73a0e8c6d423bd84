"""Files written whole or not at all, and read with errors that name file and row.

A file is written to a temporary name in the same folder, then renamed.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from asft.errors import NO_ROOM, UserError

M = TypeVar("M", bound=BaseModel)


def fingerprint(value: Any) -> str:
    """Return the SHA-256 of a JSON-serialisable value, independent of key order."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
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
    """Yield a temporary path beside `path`; rename it to `path` if the block raises nothing."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        with naming(path):
            yield temporary
        follow_umask(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def follow_umask(*paths: Path) -> None:
    """Give files the rights of any other: mkstemp and safetensors make them 0600."""
    umask = os.umask(0)
    os.umask(umask)
    for path in paths:
        path.chmod(0o666 & ~umask)


def write_text(path: Path | str, text: str) -> None:
    """Write `text` as UTF-8 with `\\n` line ends, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path | str, value: Any) -> None:
    """Write one JSON document, indented, keys in the order given."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_jsonl(path: Path | str, rows: Iterable[BaseModel]) -> None:
    """Write records, one JSON object a line."""
    write_text(path, "".join(row.model_dump_json() + "\n" for row in rows))


def read_text(path: Path) -> str:
    """Read the text of a UTF-8 file, without a byte order mark.

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
    """Read one JSON document.

    Raises:
        UserError: no such file, or not UTF-8 JSON; names the file.
    """
    return _parse_json(read_text(Path(path)), f"{path}", "; make or fetch it again")


def read_json_rows(path: Path | str) -> list[dict[str, Any]]:
    """Read the rows of a `.jsonl` file, or of a `.json` file: a list of objects, or one a line.

    Raises:
        UserError: the file is not UTF-8 JSON; names the file and the line.
    """
    return list(iterate_json_rows(path))


def iterate_json_rows(path: Path | str) -> Iterator[dict[str, Any]]:
    """Read such rows one after the other; of a list all are read at once.

    Raises:
        UserError: as `read_json_rows`, at the row that is at fault.
    """
    path = Path(path)
    # Many name JSON lines .json.
    if path.suffix == ".json" and not _is_lines(path):
        rows = _parse_json(read_text(path), f"{path}")
        if not isinstance(rows, list):
            raise UserError(f"{path}: expected a JSON list of objects, found {type(rows).__name__}")
    else:
        rows = (_parse_json(line, f"{path}, line {n}") for n, line in _lines(path))
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise UserError(f"{path}, row {number}: expected an object, found {type(row).__name__}")
        yield row


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that are not blank, with their numbers."""
    try:
        # Not splitlines(): it also cuts at U+2028 and others, which JSON strings may contain.
        with path.open(encoding="utf-8-sig") as file:
            yield from ((n, line) for n, line in enumerate(file, 1) if line.strip())
    except (FileNotFoundError, UnicodeDecodeError):
        read_text(path)  # says what is wrong, and where
        raise


def read_jsonl(path: Path | str, kind: type[M]) -> list[M]:
    """Read records of one kind from a JSONL file.

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


def _is_lines(path: Path) -> bool:
    """Whether a file is JSON lines: its first line is an object, and more follows."""
    lines = _lines(path)
    _, first = next(lines, (0, ""))
    try:
        is_object = first.lstrip().startswith("{") and isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False
    return is_object and next(lines, None) is not None


def _parse_json(text: str, where: str, advice: str = "") -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        found = f"{error.msg} at column {error.colno}"
        raise UserError(f"{where}: not JSON ({found}){advice}") from error
    except (RecursionError, ValueError) as error:  # a thousand brackets, a number of 5000 digits
        raise UserError(f"{where}: JSON that cannot be read ({error}){advice}") from error
