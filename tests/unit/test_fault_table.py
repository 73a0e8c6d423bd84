"""docs/faults.md: every fault has its row, and every test that it names exists."""

import ast
import fnmatch
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs/faults.md").read_text(encoding="utf-8")
SECTION = TABLE.partition("## The table")[2].partition("\n## ")[0]
ROWS = [line.split(" | ") for line in SECTION.splitlines() if re.match(r"\| [\d, ]*\| [^*]", line)]
FAULTS = 26


def cited() -> list[tuple[Path, str]]:
    """Each file of tests that is named, and the function in it; `::name` goes on in its file."""
    found, path = [], Path()
    for words in re.findall(r"`((?:\w+/)*test_\w+\.py(?:::[\w*]+)?|::[\w*]+)`", TABLE):
        name, _, function = words.partition("::")
        if name:
            path = ROOT / "tests" / (name if "/" in name else f"faults/{name}")
        found.append((path, function))
    return found


@cache
def functions(path: Path) -> list[str]:
    return [node.name for node in ast.parse(path.read_text()).body if hasattr(node, "name")]


def test_every_fault_has_its_row() -> None:
    numbers = {int(number) for row in ROWS for number in re.findall(r"\d+", row[0])}
    assert numbers == set(range(1, FAULTS + 1))


def test_every_row_names_a_test() -> None:
    assert len(ROWS) > 60
    for row in ROWS:
        assert len(row) == 4, row
        assert "test_" in row[3] or row[3] == "as above |", row


@pytest.mark.parametrize(
    ("path", "function"), cited(), ids=lambda part: getattr(part, "stem", part)
)
def test_what_it_names_exists(path: Path, function: str) -> None:
    assert path.is_file()
    assert not function or fnmatch.filter(functions(path), function)


def test_make_faults_runs_them_all() -> None:
    command = ["make", "-n", "-o", "env", "faults"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    run = [ROOT / word for word in done.stdout.split() if word.startswith("tests/")]
    for path, _ in cited():
        assert any(path.is_relative_to(other) for other in run), path
