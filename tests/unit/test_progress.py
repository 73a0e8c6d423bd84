"""A step's count in a file: written now and then, gone at the end, and never in the way."""

import json

import pytest

from asft.progress import FILE, Bar, Progress


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv(FILE, str(tmp_path / "judge.log.progress"))
    return tmp_path / "judge.log.progress"


def read(path):
    told = json.loads(path.read_text())
    del told["time"]
    return told


def test_it_is_written_once_a_second_and_at_the_end(tmp_path):
    now, path = [0.0], tmp_path / "progress.json"
    progress = Progress(path, "train", 10, "step", clock=lambda: now[0])
    about = {"what": "train", "total": 10, "unit": "step"}
    seen = []
    for done in range(11):
        now[0] = 0.4 * done
        progress.tell(done, lambda: {"memory_bytes": 5})
        seen.append(read(path)["done"])
    assert seen == [0, 0, 0, 3, 3, 3, 6, 6, 6, 9, 10]
    assert read(path) == about | {"done": 10, "seconds_each": 0.4, "memory_bytes": 5}
    assert len(path.read_bytes()) == 512
    progress.end()
    assert not path.exists()


def test_a_bar_counts_what_is_taken_and_leaves_nothing(path):
    seen = [read(path)["done"] for _ in Bar([7, 8, 9], "judge", unit="call")]
    assert seen[0] == 0  # the others come within the same second
    assert not path.exists()
    with Bar(total=2, desc="generate") as bar:
        bar.update(2)
        assert read(path)["done"] == read(path)["total"] == 2
    assert not path.exists()


def test_one_that_ends_early_leaves_nothing(path):
    for _ in Bar(iter("abc"), "rows"):
        assert read(path)["total"] is None
        break
    assert not path.exists()


def test_only_the_first_of_several_processes_tells(path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    assert [*Bar("ab")] == ["a", "b"]
    assert not path.exists()


def test_a_file_that_cannot_be_written_stops_nothing(monkeypatch):
    monkeypatch.setenv(FILE, "/dev/full/x.progress")
    assert [*Bar("ab")] == ["a", "b"]
    monkeypatch.setenv(FILE, "/dev/full")
    assert [*Bar("ab")] == ["a", "b"]
