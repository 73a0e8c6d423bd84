"""Import of answers from the one SQLite file that a store was before.

The file stays as it is. It is read in a copy, with its log, since SQLite needs locks that the file
system may not have, and writes where a killed run has left a log.
"""

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from asft.errors import UserError
from asft.files import atomic
from asft.generation.endpoint.store.lines import encode
from asft.generation.endpoint.store.own_file import sync_folder
from asft.generation.endpoint.store.reply import Reply

IMPORTED = "imported.jsonl"


def import_sqlite(older: Path, folder: Path) -> None:
    """Write the answers of an SQLite file as a file of the store in `folder`.

    Raises:
        UserError: the file is damaged, or no store of answers.
    """
    with atomic(folder / IMPORTED) as temporary, temporary.open("wb") as file:
        for key, request, answer in _rows(older):
            file.write(encode(key, request, answer._asdict()))
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)


def _rows(older: Path) -> Iterator[tuple[str, dict[str, object], Reply]]:
    with tempfile.TemporaryDirectory(prefix="asft-") as folder:
        copy = Path(folder, "copy.sqlite")
        for end in ("", "-wal"):
            if Path(f"{older}{end}").exists():
                shutil.copyfile(f"{older}{end}", f"{copy}{end}")
        try:
            with closing(sqlite3.connect(copy)) as connection:
                for key, request, answer in connection.execute(
                    "SELECT key, request, answer FROM answers"
                ):
                    yield key, json.loads(request), Reply(**json.loads(answer))
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise UserError(
                f"{older}: damaged or no store of answers ({error}); move it away with"
                f" {older.name}-wal where that exists and run again: only its answers are asked"
                " again, nothing else is lost"
            ) from error
