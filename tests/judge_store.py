"""The store of judge answers as an auditor reads it: by SQLite, without our code."""

import json
import sqlite3
from pathlib import Path
from typing import Any


def stored_request(path: Path, key: str) -> dict[str, Any]:
    """What was asked for the answer under `key`."""
    with sqlite3.connect(path) as store:
        [text] = store.execute("SELECT request FROM answers WHERE key = ?", (key,)).fetchone()
    return json.loads(text)
