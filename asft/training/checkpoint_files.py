"""A checkpoint's files: whether all reached the disk whole, and how another run gets them."""

import os
import shutil
import zlib
from pathlib import Path

from asft.errors import UserError
from asft.files import read_json, write_json

COMPLETE = "complete.json"
BLOCK, BLOCKS = 2**20, 64  # bytes, and how many of a large file are looked at


def move_state(checkpoint: Path, out: Path) -> None:
    """Move a checkpoint into a folder of its own, whole or not at all."""
    temporary = out.with_name(f".{out.name}.partial")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    checkpoint.rename(temporary / checkpoint.name)
    shutil.rmtree(out, ignore_errors=True)
    temporary.replace(out)


def copy_state(state: Path, folder: Path, key: str) -> None:
    """Copy what `move_state` kept among the checkpoints of the run that is `key`.

    Raises:
        UserError: there is none, or a damaged one.
    """
    found = next(state.glob("checkpoint-*"), None)
    if not found or not (found / COMPLETE).is_file():
        raise UserError(f"{state}: no state of a training; delete it and rerun")
    files = read_json(found / COMPLETE)["files"]
    if files != checksums(found):
        raise UserError(f"{found}: damaged; delete {state} and rerun")
    copy = folder / found.name
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(found, copy, ignore=shutil.ignore_patterns(COMPLETE))
    write_json(copy / COMPLETE, {"key": key, "files": files})


def flush(path: Path) -> None:
    """Write a folder to the disk; not by os.sync(), which waits for what others write as well."""
    for file in [*path.rglob("*"), path]:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def checksums(path: Path) -> dict[str, list[int]]:
    """Return size and checksum of each file of a checkpoint."""
    return {
        str(file.relative_to(path)): [file.stat().st_size, _checksum(file)]
        for file in sorted(path.rglob("*"))
        if file.is_file() and file.name != COMPLETE
    }


def _checksum(path: Path) -> int:
    """Of the whole file, or of blocks spread over a large one.

    Training waits for it. What a dying machine or a full disk leaves are stretches of zeros or of
    other bytes, not single bits.
    """
    size, value = path.stat().st_size, 0
    with path.open("rb") as file:
        for start in [*range(0, size, max(BLOCK, size // BLOCKS)), max(0, size - BLOCK)]:
            file.seek(start)
            value = zlib.crc32(file.read(BLOCK), value)
    return value
