"""The store of judge answers: each answer is paid for once and kept, whatever happens next.

Reads and writes one SQLite file (by default cache/judge.sqlite). An answer's key is a hash of all
that shaped it; beside the answer lies the request, for audit and replay, never a header or an API
key. By hand: `sqlite3 cache/judge.sqlite "select answer->>'text' from answers"`.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

from tenacity import retry, retry_if_exception, stop_after_delay, wait_random

from asft.errors import UserError
from asft.files import fingerprint
from asft.generation.endpoint.dialects import ending_of
from asft.records import Message
from asft.thinking import is_tagged, split_thinking

LOCK_WAIT = 60  # seconds to wait while another process writes
TABLE = "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, request TEXT, answer TEXT)"
# What a stored answer is: whole, cut off by a limit, or cut by moderation.
ReplyState = Literal["answer", "truncated", "moderated"]


def _is_busy(error: BaseException) -> bool:
    code = error.sqlite_errorcode if isinstance(error, sqlite3.OperationalError) else None
    return code is not None and code & 0xFF == sqlite3.SQLITE_BUSY


class Reply(NamedTuple):
    """What a judge said, and what the server said about it."""

    text: str  # behind the thinking
    finish_reason: str  # the server's word: "stop", "eos_token", … or "" where it gave none
    model: str  # the name that came back
    prompt_tokens: int | None  # None: the server did not count
    completion_tokens: int | None  # those of the thinking too
    system_fingerprint: str
    date: str  # UTC, ISO 8601
    thinking: str = ""  # as it came: in tags where it stood in the text
    thinking_tokens: int | None = None

    @property
    def ending(self) -> str:
        """Why the reply ended: "stop", "length", …; a word of no known dialect as it came."""
        return ending_of(self.finish_reason)

    @property
    def content(self) -> str:
        """The text as the server sent it, with the thinking that stood in it."""
        return self.thinking + self.text if is_tagged(self.thinking) else self.text

    @property
    def state(self) -> ReplyState:
        """Whether this is all that the judge wanted to say."""
        if not self.text and split_thinking(self.thinking).is_open:
            return "truncated"
        states: dict[str, ReplyState] = {"length": "truncated", "content_filter": "moderated"}
        return states.get(self.ending, "answer")

    def apart(self) -> Self:
        """Return it with thinking that stands in its text moved to `thinking`."""
        found = split_thinking(self.text)
        if self.thinking or not found.thinking:
            return self
        return self._replace(text=found.text, thinking=found.thinking)


def call_key(
    endpoint: str,
    model: str,
    messages: Sequence[Message],
    parameters: Mapping[str, Any],
    repeat: int = 0,
) -> str:
    """Return the SHA-256 of everything that shapes an answer.

    Args:
        endpoint: the base URL, or any name for a judge that is no server.
        repeat: number of this answer where one question is asked several times.
    """
    request = describe_call(endpoint, model, messages, parameters, repeat)
    return fingerprint(request)


def describe_call(
    endpoint: str,
    model: str,
    messages: Sequence[Message],
    parameters: Mapping[str, Any],
    repeat: int = 0,
) -> dict[str, Any]:
    """Return the request as the store keeps it: `call_key(**request)` is its key."""
    return {
        "endpoint": endpoint.rstrip("/"),
        "model": model,
        "messages": list(messages),
        "parameters": dict(parameters),
        "repeat": repeat,
    }


class Store:
    """Judge answers by key; safe to share between threads and between processes of one machine.

    Not between machines: SQLite's write-ahead log needs their shared memory.
    """

    def __init__(self, path: Path | str, *, read_only: bool = False) -> None:
        """Open the store, making it if it is not there.

        Args:
            read_only: only replay: nothing is written, and the file must exist.

        Raises:
            UserError: the file is missing, damaged or no store; it is never deleted.
        """
        self.path = Path(path)
        self.read_only = read_only
        self._lock = threading.Lock()
        if read_only and not self.path.is_file():
            raise UserError(f"{self.path}: no such store of judge answers; give the path of one")
        if not read_only:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._faults():
            self._connection = self._open_to_read() if read_only else self._open_to_write()

    def get(self, key: str) -> Reply | None:
        """Return the answer stored under `key`; None if there is none."""
        query = "SELECT answer FROM answers WHERE key = ?"
        with self._faults():
            with self._lock:
                row = self._connection.execute(query, (key,)).fetchone()
            return None if row is None else Reply(**json.loads(row[0])).apart()

    def put(self, key: str, request: Mapping[str, Any], answer: Reply) -> None:
        """Store an answer; on disk when this returns. The first answer under a key stays.

        Raises:
            UserError: it could not be written, for instance because the disk is full.
        """
        # ASCII JSON: NUL, control characters and lone surrogates are all safe in it.
        row = (key, json.dumps(request), json.dumps(answer._asdict()))
        with self._faults(), self._lock:
            self._connection.execute("INSERT OR IGNORE INTO answers VALUES (?, ?, ?)", row)

    def close(self) -> None:
        """Close the store's file; it cannot be used after that."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _connect(self, options: str = "") -> sqlite3.Connection:
        return sqlite3.connect(
            self.path.absolute().as_uri() + options,
            uri=True,
            timeout=LOCK_WAIT,
            isolation_level=None,  # each statement commits by itself, at once
            check_same_thread=False,  # the lock does it
        )

    # Where several processes make one new file at once, SQLite refuses some without any waiting.
    @retry(
        retry=retry_if_exception(_is_busy),
        stop=stop_after_delay(LOCK_WAIT),
        wait=wait_random(0.01, 0.1),
        reraise=True,
    )
    def _open_to_write(self) -> sqlite3.Connection:
        connection = self._connect()
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")  # a commit survives a power cut
        connection.execute(TABLE)
        return connection

    def _open_to_read(self) -> sqlite3.Connection:
        connection = self._connect("?mode=ro")
        try:
            connection.execute("SELECT key FROM answers LIMIT 1")
        except sqlite3.OperationalError:
            connection.close()
            # In a folder that cannot be written SQLite cannot make the log's index. It may do
            # without only where no log is waiting to be read.
            if Path(f"{self.path}-wal").exists():
                raise
            connection = self._connect("?mode=ro&immutable=1")
            connection.execute("SELECT key FROM answers LIMIT 1")
        return connection

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:
            raise  # our own mistake, such as a closed store
        except sqlite3.OperationalError as error:
            raise UserError(
                f"{self.path}: {error}; check the disk's space and the file's permissions, "
                "or that it is a store of judge answers"
            ) from error
        except (sqlite3.DatabaseError, ValueError, TypeError) as error:
            name = self.path.name
            raise UserError(
                f"{self.path}: damaged or no store of judge answers ({error}); move it away with "
                f"{name}-wal and {name}-shm where they exist and run again: only its answers are "
                "asked anew, nothing else is lost"
            ) from error
