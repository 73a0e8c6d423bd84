"""Parquet files: written whole or not at all, with checksums, so that damage is seen when read."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from asft.errors import UserError
from asft.records import atomic


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write `table`; each page carries a checksum, without which a flipped bit is other data."""
    with atomic(path) as temporary:
        pq.write_table(table, temporary, write_page_checksum=True)


def read_parquet(path: Path, **options: Any) -> pa.Table:
    """The table in `path`; `options` as for `pyarrow.parquet.read_table`.

    Raises:
        UserError: no such file, or a damaged one.
    """
    try:
        table = pq.read_table(path, page_checksum_verification=True, **options)
        # A name in the footer is decoded only when it is asked for: ask here.
        return table.select(table.column_names)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except MemoryError:  # pyarrow's own is an ArrowException too
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"{path}: damaged parquet file ({reason}); fetch it again, or delete it and rerun"
        ) from error
