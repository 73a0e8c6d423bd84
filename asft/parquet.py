"""Parquet files: written whole or not at all, with checksums, so that damage is seen when read."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from asft.errors import UserError
from asft.files import atomic

# Parquet's own checksums cover pages, not their headers: a bit there can make a list shorter.
DIGEST = b"asft_sha256"


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write `table`, with a checksum in each page and in the footer one of all that can be read."""
    with atomic(path) as temporary:
        _write(table, temporary)
        found = _digest(pq.read_table(temporary))  # layout and types as they are read
        _write(table.replace_schema_metadata({DIGEST: found}), temporary)


def _write(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, write_page_checksum=True)


def _digest(table: pa.Table) -> str:
    plain = table.combine_chunks().replace_schema_metadata(None)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, plain.schema) as writer:
        writer.write_table(plain)
    return hashlib.sha256(sink.getvalue()).hexdigest()


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a table, or some of its columns, and check that it is what was written.

    A file that another program wrote has no checksum of the whole to compare with.

    Raises:
        UserError: no such file, or a damaged one.
    """
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        wanted = (table.schema.metadata or {}).get(DIGEST)
        if wanted is not None and wanted.decode() != _digest(table):
            raise pa.ArrowInvalid("its content is not what was written")
        # A name in the footer is decoded only when it is asked for: ask here.
        return table.select(table.column_names if columns is None else columns)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except MemoryError:  # pyarrow's own is an ArrowException too
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"{path}: damaged parquet file ({reason}); fetch it again, or delete it and rerun"
        ) from error
