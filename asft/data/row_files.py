"""Read the rows of data files: JSON, CSV, Parquet, packed ones, folders of them, `save_to_disk`."""

import csv
import gzip
import re
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from asft.errors import UserError
from asft.files import iterate_json_rows

Rows = Iterator[dict[str, Any]]
BATCH = 1000  # rows of a table that are made Python's at a time


def read_rows(path: Path, split: str = "train") -> Rows:
    """Read the rows of a file, or of a folder: its data files in the order of their names.

    Args:
        split: which to read of a folder that `datasets` saved with several.

    Raises:
        UserError: no data file, or a damaged one; names the file, and the row where there is one.
    """
    if not path.is_dir():
        yield from _reader(path)(path)
        return
    if any((path / name).is_file() for name in ("dataset_dict.json", "dataset_info.json")):
        yield from _read_saved(path, split)
        return
    files = sorted((p for p in path.iterdir() if _kind(p) in READERS), key=_in_order)
    if not files:
        raise UserError(f"{path}: no data file in this folder; expected {KINDS}")
    for file in files:
        yield from _reader(file)(file)


def read_glob(pattern: str) -> Rows:
    """Read the rows of all files that a pattern such as `data/*.parquet` names, in their order.

    Raises:
        UserError: as `read_rows`, or there is no such file.
    """
    root = Path(pattern).anchor or "."
    files = sorted(Path(root).glob(str(Path(pattern).relative_to(root))), key=_in_order)
    if not files:
        raise UserError(f"no file has such a name (looked in {Path.cwd()})")
    for file in files:
        yield from _reader(file)(file)


def _kind(path: Path) -> str:
    return "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix


def _in_order(path: Path) -> list[Any]:
    """By name, numbers by their value: part-2 before part-10."""
    parts = re.split(r"(\d+)", str(path))
    return [(int(part), "") if part.isdigit() else (0, part) for part in parts]


def _reader(path: Path) -> Callable[[Path], Rows]:
    kind = _kind(path)
    if kind not in READERS:
        raise UserError(f"{path}: expected {KINDS}")
    return READERS[kind]


def _read_table(path: Path) -> Rows:
    """Rows of a file of columns, all values text: what looks like a number may be an answer."""
    csv.field_size_limit(sys.maxsize)  # 128 kB by default, a long answer
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(
                file, delimiter="\t" if path.suffix == ".tsv" else ",", strict=True
            )
            for row in reader:
                if None in row or None in row.values():
                    raise UserError(
                        f"{path}, line {reader.line_num}: has another number of columns than the"
                        f" first line, which names {len(reader.fieldnames or [])}; quote texts that"
                        " hold separators or line breaks"
                    )
                yield row
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 ({error.reason})") from error
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: {error}") from error


def _read_parquet(path: Path) -> Rows:
    from asft.parquet import read_groups

    for group in read_groups(path):
        for at in range(0, len(group), BATCH):
            yield from group.slice(at, BATCH).to_pylist()


def _read_gzip(path: Path) -> Rows:
    with tempfile.TemporaryDirectory() as folder:
        unpacked = Path(folder, path.stem)
        try:
            with gzip.open(path) as packed, unpacked.open("wb") as file:
                shutil.copyfileobj(packed, file)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise UserError(f"{path}: damaged gzip file ({error}); fetch it again") from error
        try:
            yield from _reader(unpacked)(unpacked)
        except UserError as error:
            raise UserError(str(error).replace(str(unpacked), str(path))) from error


def _read_saved(path: Path, split: str) -> Rows:
    """A folder of `datasets`' save_to_disk."""
    import datasets

    try:
        found = datasets.load_from_disk(str(path))
    except Exception as error:  # a damaged file fails anywhere in the parsers
        raise UserError(f"{path}: cannot be loaded ({error}); save it again") from error
    if isinstance(found, datasets.DatasetDict):
        if split not in found:
            raise UserError(f"{path}: no split {split!r}; there is: {', '.join(found)}")
        found = found[split]
    yield from rows_of(found)


def rows_of(dataset: Any) -> Rows:
    """Read the rows of a data set of `datasets`."""
    for table in dataset.with_format("arrow").iter(BATCH):
        yield from table.to_pylist()


_PLAIN: dict[str, Callable[[Path], Rows]] = {
    ".json": iterate_json_rows,
    ".jsonl": iterate_json_rows,
    ".csv": _read_table,
    ".tsv": _read_table,
}
READERS = _PLAIN | {".parquet": _read_parquet} | {f"{kind}.gz": _read_gzip for kind in _PLAIN}
KINDS = f"a file {', '.join(_PLAIN)}, the same with .gz, or .parquet"
