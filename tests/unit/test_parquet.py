"""Parquet files in groups of rows, and files that versions before wrote."""

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from asft.errors import UserError
from asft.parquet import BEFORE, GROUP, read_groups, read_parquet, write_groups, write_parquet

TABLE = pa.table(
    {
        "id": [f"{number:016x}" for number in range(2 * GROUP + 3)],
        "ids": [[number] * (number % 3) for number in range(2 * GROUP + 3)],
        "score": [None if number % 7 else float(number) for number in range(2 * GROUP + 3)],
        "talk": [[{"role": "user", "content": "a", "more": None}]] * (2 * GROUP + 3),
    }
)


def test_groups_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "x.parquet"
    write_parquet(path, TABLE)
    assert read_parquet(path).equals(TABLE)
    assert [len(group) for group in read_groups(path)] == [GROUP, GROUP, 3]
    assert read_parquet(path, ["score"]).column_names == ["score"]
    write_groups(tmp_path / "y.parquet", TABLE.schema, (g for g in read_groups(path)))
    assert (tmp_path / "y.parquet").read_bytes() == path.read_bytes()


def test_no_rows(tmp_path):
    path = tmp_path / "x.parquet"
    write_parquet(path, TABLE[:0])
    assert read_parquet(path).equals(TABLE[:0])


def test_a_group_that_is_missing_is_seen(tmp_path):
    """With a footer that fits what is left."""
    path = tmp_path / "x.parquet"
    write_parquet(path, TABLE)
    left = TABLE[:GROUP].replace_schema_metadata(pq.read_metadata(path).metadata)
    pq.write_table(left, path)
    with pytest.raises(UserError, match="its content is not what was written"):
        read_parquet(path)


@pytest.mark.parametrize("rows", [0, 5])
def test_files_of_before_are_read_and_checked(tmp_path, rows):
    """One checksum of the table as one."""
    path, table = tmp_path / "x.parquet", TABLE[:rows]
    pq.write_table(table, path)
    plain = pq.read_table(path).combine_chunks().replace_schema_metadata(None)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, plain.schema) as writer:
        writer.write_table(plain)
    digest = hashlib.sha256(sink.getvalue()).hexdigest()
    pq.write_table(table.replace_schema_metadata({BEFORE: digest}), path)
    assert read_parquet(path).to_pylist() == table.to_pylist()
    pq.write_table(TABLE[1:4].replace_schema_metadata({BEFORE: digest}), path)
    with pytest.raises(UserError, match="not what was written"):
        read_parquet(path)
