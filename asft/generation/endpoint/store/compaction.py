"""Many small files of jobs that have ended become one, so that opening a store stays quick.

A file is removed only by who has copied all of its answers to the disk, and none is ever changed:
whoever is killed here at any point leaves at worst some answers twice.
"""

import os
import secrets
from pathlib import Path

from asft.files import atomic
from asft.generation.endpoint.store.lines import check, is_whole
from asft.generation.endpoint.store.own_file import sync_folder
from asft.generation.endpoint.store.reading import job_of
from asft.generation.endpoint.store.sqlite_import import IMPORTED

MANY = 32
SMALL = 8_000_000  # bytes; what is larger stays, so that no byte is copied again and again


def compact(folder: Path) -> None:
    """Merge the small files of ended jobs if there are many.

    Raises:
        OSError: the disk is full, or another job does the same; no answer is lost.
        ValueError: a line is damaged, and stays where it is.
    """
    files = [path for path in folder.glob("[!.]*.jsonl") if _has_ended(path)]
    small = [path for path in sorted(files) if path.stat().st_size < SMALL]
    if len(small) < MANY:
        return
    written = set()
    merged = folder / f"merged{secrets.token_hex(8)}.jsonl"
    with atomic(merged) as temporary, temporary.open("wb") as file:
        for path in small:
            for line in path.read_bytes().splitlines(keepends=True):
                if is_whole(line) and (digest := check(line)[1]) not in written:
                    written.add(digest)
                    file.write(line)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)
    for path in small:
        path.unlink(missing_ok=True)


def _has_ended(path: Path) -> bool:
    # What was imported stays what it is called, or it would be imported again.
    return path.name != IMPORTED and not (path.parent / f"{job_of(path.name)}.alive").exists()
