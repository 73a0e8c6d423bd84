"""The public API: docs/api.md does what it shows, and its shortcuts give the tables' numbers."""

import csv
import importlib
import io
import re
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest

import asft
from asft.config import Statistics
from asft.files import write_jsonl
from asft.metrics import METRICS, compare_scores, score_answers, score_questions, score_texts
from asft.records import Completion, Question
from asft.tables.table3 import tabulate_table3

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "api.md").read_text()
SHOWN = PAGE + (DOCS / "claims.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```\s+```text\n(.*?)```", SHOWN, re.DOTALL)
NAMES = sorted(set(re.findall(r"\basft\.(\w+)\.(\w+)", PAGE)))


@pytest.mark.parametrize(("code", "shown"), EXAMPLES)
def test_the_page_shows_what_its_examples_print(code: str, shown: str):
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(code, {})
    assert printed.getvalue() == shown
    assert len(code.splitlines()) <= 12


def test_every_example_is_found():
    assert len(EXAMPLES) == SHOWN.count("```python") == 6


@pytest.mark.parametrize(("room", "name"), NAMES)
def test_names_on_the_page_are_on_the_faces(room: str, name: str):
    face = importlib.import_module(f"asft.{room}")
    assert name in getattr(face, "__all__", vars(face))


def test_the_package_and_the_page_name_every_room():
    rooms = {path.parent.name for path in Path(asft.__file__).parent.glob("*/__init__.py")}
    assert set(asft.__all__) == rooms == {room for room, _ in NAMES}
    assert set(re.findall(r"^    (\w+) ", asft.__doc__, re.MULTILINE)) == set(asft.__all__)


def test_importing_the_package_imports_little():
    code = "import asft, sys; asft.metrics.compare_scores; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_texts_and_scores_give_the_numbers_of_table_3(tmp_path: Path):
    """Of two methods by way of the files: questions, completions, `asft score`, `asft table3`."""
    references = ["the cat is on the mat", "a dog barks at me", "yes it is 今天", "no", "a b c"]
    answers = {
        "sft": ["the cat sat on the mat", "the dog barks", "今天 it is", "no", "a b c"],
        "dpo": ["a cat", "a dog barks at us", "yes", "never", "a b"],
    }
    for method, texts in answers.items():
        _score(tmp_path, method, texts, references)
    out, statistics = tmp_path / "table3.csv", Statistics()
    scores = [("hh_rlhf", method, 1, tmp_path / f"{method}.csv") for method in answers]
    tabulate_table3(scores, "benchmark", "model", "", statistics, out)
    for row in csv.DictReader(out.open()):
        found = score_texts(answers[row["method"]], references)
        assert {name: f"{value:.4f}" for name, value in found.items()} == {
            name: row[name] for name in METRICS
        }
    columns = {method: score_questions(texts, references) for method, texts in answers.items()}
    for row in csv.DictReader(out.with_name("table3.differences.csv").open()):
        if row["metric"] != "bleu4":  # no mean of scores
            sides = (columns[row[side]][row["metric"]] for side in ("method_a", "method_b"))
            found, word = compare_scores(*sides, statistics)
            numbers = [found.value, found.low, found.high, found.p_value]
            shown = [row[key] for key in ("difference", "low", "high", "p_value")]
            assert [f"{number:.4f}" for number in numbers] == shown
            assert word == row["verdict"]


def _score(folder: Path, method: str, texts: list[str], references: list[str]) -> None:
    questions, completions = folder / "questions.jsonl", folder / "completions.jsonl"
    asked = [
        Question(question_id=str(i), turns=["?"], references=[text])
        for i, text in enumerate(references)
    ]
    answered = [
        Completion(question_id=str(i), turns=[text], tokens=[3], finish_reasons=["stop"])
        for i, text in enumerate(texts)
    ]
    write_jsonl(questions, asked)
    write_jsonl(completions, answered)
    score_answers(questions, completions, folder / f"{method}.csv")
