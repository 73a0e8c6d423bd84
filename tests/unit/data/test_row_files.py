"""Data files of every kind give the same rows; damaged ones name file and row."""

import csv
import gzip
import json
import shutil

import datasets
import pytest

from asft.config.sources import LocalSource
from asft.data.row_files import read_glob, read_rows
from asft.data.sources import load_rows
from asft.errors import UserError

ROWS = [
    {"prompt": "Say a, b", "chosen": 'a, "b"\nand c', "rejected": "12"},
    {"prompt": "Zwei?", "chosen": "zwei\tZwei", "rejected": "naïve"},
]


def write(path, rows=ROWS):
    if path.suffix == ".parquet":
        datasets.Dataset.from_list(rows).to_parquet(path)
    elif path.suffix in (".csv", ".tsv"):
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(
                file, rows[0].keys(), delimiter="\t" if path.suffix == ".tsv" else ","
            )
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows))
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv", "tsv", "parquet"])
def test_every_kind_gives_the_same_rows(kind, tmp_path):
    path = write(tmp_path / f"rows.{kind}")
    assert list(read_rows(path)) == ROWS
    if kind != "parquet":
        packed = path.with_name(path.name + ".gz")
        packed.write_bytes(gzip.compress(path.read_bytes()))
        assert list(read_rows(packed)) == ROWS


def test_json_lines_may_be_named_json(tmp_path):
    path = shutil.move(write(tmp_path / "rows.jsonl"), tmp_path / "rows.json")
    assert list(read_rows(path)) == ROWS
    path.write_text(path.read_text() + '{"prompt": ')
    with pytest.raises(UserError, match=r"rows\.json, line 3"):
        list(read_rows(path))


def test_a_folder_and_a_pattern_read_all_shards_in_order(tmp_path):
    for number in (10, 2, 1):
        write(tmp_path / f"part-{number}.jsonl", [{"prompt": number}])
    (tmp_path / "README.md").write_text("not data")
    assert [row["prompt"] for row in read_rows(tmp_path)] == [1, 2, 10]
    assert [row["prompt"] for row in read_glob(f"{tmp_path}/part-1*")] == [1, 10]
    source = LocalSource(local=f"{tmp_path}/*.jsonl")
    assert [row["prompt"] for row in load_rows([source], 2)] == [1, 2]


def test_a_pattern_is_relative_to_where_the_run_is_started(tmp_path, monkeypatch):
    write(tmp_path / "a.jsonl")
    monkeypatch.chdir(tmp_path)
    assert load_rows([LocalSource(local="*.jsonl")]) == ROWS
    with pytest.raises(UserError, match="no file has such a name"):
        load_rows([LocalSource(local="*.csv")])


def test_what_datasets_saved_to_disk(tmp_path):
    data = datasets.Dataset.from_list(ROWS)
    data.save_to_disk(tmp_path / "one")
    datasets.DatasetDict(train=data, test=data.select([1])).save_to_disk(tmp_path / "two")
    assert load_rows([LocalSource(local=str(tmp_path / "one"))]) == ROWS
    assert load_rows([LocalSource(local=str(tmp_path / "two"), split="test")]) == ROWS[1:]
    with pytest.raises(UserError, match="no split 'dev'; there is: train, test"):
        load_rows([LocalSource(local=str(tmp_path / "two"), split="dev")])


def test_damaged_files_are_named(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("prompt,chosen\na,b\nc\n")
    with pytest.raises(UserError, match=r"rows\.csv, line 3: .* number of columns"):
        list(read_rows(path))
    path.write_text("prompt,chosen\na,b,c\n")
    with pytest.raises(UserError, match=r"rows\.csv, line 2: .* number of columns"):
        list(read_rows(path))
    path.write_bytes(b"prompt\n\xff\xfe\n")
    with pytest.raises(UserError, match=r"rows\.csv: not UTF-8"):
        list(read_rows(path))
    with pytest.raises(UserError, match="expected a file"):
        list(read_rows(tmp_path / "rows.xlsx"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no data file in this folder"):
        list(read_rows(tmp_path / "empty"))


def test_answers_of_any_length(tmp_path):
    long = [{"prompt": "x", "chosen": "word " * 50_000}]
    assert list(read_rows(write(tmp_path / "rows.csv", long))) == long
