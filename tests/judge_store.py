"""The store of judge answers as an auditor reads it: lines of JSON, without our code."""

import json
from pathlib import Path
from typing import Any


def stored_rows(folder: Path) -> list[dict[str, Any]]:
    """All that was stored, by whatever job."""
    texts = [path.read_text() for path in sorted(folder.glob("*.jsonl"))]
    # A job that was killed may have left the beginning of a line.
    return [json.loads(line) for text in texts for line in text.split("\n")[:-1]]


def stored_request(folder: Path, key: str) -> dict[str, Any]:
    """What was asked for the answer under `key`."""
    [row] = [row for row in stored_rows(folder) if row["key"] == key]
    return row["request"]
