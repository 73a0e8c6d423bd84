#!/usr/bin/env bash
# pyarrow 26.0.1: a slice of a table cannot be cast to the schema that it has, where a list's structs
# hold a field that is null in all rows.
#
# Guess: `table.slice(a, n).cast(table.schema)` does nothing: the types are the same. Such tables are what
# `pa.table` and `Table.from_pylist` infer from chat messages with a field like "tool_calls": None.
# Seen: ArrowInvalid, the null child "has length smaller than expected for struct array"; the same slice is
# valid by `validate(full=True)`, and combine_chunks, IPC and Parquet take it. The whole table casts.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv env
env/bin/pip install --quiet pyarrow==26.0.1
env/bin/python - <<'PY'
import pyarrow as pa

assert pa.__version__ == "26.0.1", pa.__version__
message = {"role": "user", "content": "hello", "tool_calls": None}
table = pa.table({"messages": [[message]] * 10})
part = table.slice(4, 3)
part.validate(full=True)
assert part.combine_chunks().to_pylist() == [{"messages": [message]}] * 3
table.cast(table.schema).validate(full=True)
try:
    part.cast(table.schema).validate(full=True)
except pa.ArrowInvalid as error:
    print("cast of the slice:", error)
    assert "length smaller than expected" in str(error)
else:
    raise SystemExit("the slice was cast: this has changed")
PY
