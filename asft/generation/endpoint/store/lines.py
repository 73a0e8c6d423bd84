"""One line of a store's file: an answer, its request for audit and replay, and their digest.

    {"sha256": "…", "key": "…", "answer": {…}, "request": {…}}

The digest is that of the bytes behind its own 64 digits, without the end of the line. A header or
an API key is in no line.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from asft.generation.endpoint.store.reply import Reply

HEAD = b'{"sha256": "'
BEHIND = len(HEAD) + 64  # where the digested bytes begin
KEY = b'", "key": "'


def encode(key: str, request: Mapping[str, Any], answer: Mapping[str, Any]) -> bytes:
    """Return the line of an answer; `key` is letters and digits."""
    # ASCII JSON: NUL, control characters, line ends and lone surrogates are all safe in it.
    row = {"key": key, "answer": answer, "request": request}
    rest = b'", ' + json.dumps(row).encode()[1:]
    return HEAD + hashlib.sha256(rest).hexdigest().encode() + rest + b"\n"


def is_whole(line: bytes) -> bool:
    """Tell whether a line was written to its end.

    The last one may lack that, after a crash or because it is just being written. Zeros stand where
    data had not reached the disk when the machine lost its power.
    """
    return line.endswith(b"\n") and b"\0" not in line


def check(line: bytes) -> tuple[str, bytes]:
    """Return the key and the digest of a whole line.

    Raises:
        ValueError: it is no line of a store, or its digest says that it was changed.
    """
    digest, rest = line[len(HEAD) : BEHIND], line[BEHIND:-1]
    if not line.startswith(HEAD) or not rest.startswith(KEY):
        raise ValueError("not a line of a store of answers")
    if hashlib.sha256(rest).hexdigest().encode() != digest:
        raise ValueError("its digest does not fit")
    return rest[len(KEY) : rest.index(b'"', len(KEY))].decode(), digest


def is_of(line: bytes, endpoint: str, model: str) -> bool:
    """Tell whether a checked line's request went to a model at a server."""
    name = b'"model": ' + json.dumps(model).encode()
    if name not in line:  # a whole line is long to parse
        return False
    asked = json.loads(line)["request"]
    return bool(asked["endpoint"] == endpoint.rstrip("/") and asked["model"] == model)


def decode(line: bytes) -> Reply:
    """Return the answer in a checked line."""
    return Reply(**json.loads(line)["answer"]).apart()
