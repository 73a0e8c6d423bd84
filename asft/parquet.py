"""Parquet files: written whole or not at all, with checksums, so that damage is seen when read.

They are written and read in groups of rows, so that no file is in memory twice.
"""

import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from asft.errors import UserError
from asft.files import atomic

# Parquet's own checksums cover pages, not their headers: a bit there can make a list shorter.
DIGEST = b"asft_sha256_groups"
BEFORE = b"asft_sha256"  # in files of versions before: of the table as one
GROUP = 2_000  # rows
_HOW = {"write_page_checksum": True}


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write `table`, with a checksum in each page and in the footer one of all that can be read."""
    groups = (table.slice(at, GROUP) for at in range(0, len(table), GROUP))
    write_groups(path, table.schema, groups)


def write_groups(path: Path, schema: pa.Schema, groups: Iterable[pa.Table]) -> None:
    """Write tables of one schema behind one another, as `write_parquet` would write them joined.

    Args:
        groups: of `GROUP` rows each, the last of as many or fewer.
    """
    digest = hashlib.sha256()
    schema = schema.remove_metadata()
    with atomic(path) as temporary, pq.ParquetWriter(temporary, schema, **_HOW) as writer:
        for group in groups:
            plain = group.replace_schema_metadata(None)
            digest.update(_bytes(_as_read(plain)))
            writer.write_table(plain)
        writer.add_key_value_metadata({DIGEST.decode(): digest.hexdigest()})


def _as_read(table: pa.Table) -> pa.Table:
    """The table with the layout and the types that it has once it is read from a file."""
    file = io.BytesIO()
    pq.write_table(table, file, **_HOW)
    return pq.ParquetFile(file).read()


def _bytes(table: pa.Table) -> pa.Buffer:
    plain = table.combine_chunks().replace_schema_metadata(None)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, plain.schema) as writer:
        writer.write_table(plain)
    return sink.getvalue()


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a table, or some of its columns, and check that it is what was written.

    A file that another program wrote has no checksum of the whole to compare with.

    Raises:
        UserError: no such file, or a damaged one.
    """
    groups = list(read_groups(path, columns))
    with _damage_named(path):
        return pa.concat_tables(groups)


def read_groups(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """Read a table's groups of rows one after the other; at least one, which may have no rows.

    What was damaged may be known only behind the last group: keep nothing before.

    Raises:
        UserError: as `read_parquet`.
    """
    with _damage_named(path), pq.ParquetFile(path, page_checksum_verification=True) as file:
        metadata = file.metadata.metadata or {}
        wanted = metadata.get(DIGEST) or metadata.get(BEFORE)
        number = file.metadata.num_row_groups
        whole = BEFORE in metadata or number == 0
        digest = hashlib.sha256()
        for part in [range(number)] if whole else [[place] for place in range(number)]:
            table = file.read_row_groups(list(part), use_threads=False)
            if wanted is not None and (number or BEFORE in metadata):
                digest.update(_bytes(table))
            # A name in the footer is decoded only when it is asked for: ask here.
            yield table.select(table.column_names if columns is None else columns)
        if wanted is not None and wanted.decode() != digest.hexdigest():
            raise pa.ArrowInvalid("its content is not what was written")


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except MemoryError:  # pyarrow's own is an ArrowException too
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"{path}: damaged parquet file ({reason}); fetch it again, or delete it and rerun"
        ) from error
