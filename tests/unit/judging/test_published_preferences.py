"""AlpacaEval's annotations become preferences: what a row says, and what is refused."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from alpaca_annotations import JUDGE, annotated, write_annotations

from asft.errors import UserError
from asft.files import file_sha256, read_jsonl
from asft.judging.published_preferences import import_alpaca_eval, read_preference
from asft.records import Preference

ROW = annotated(1, 0.0, n=1)[0]


def imported(out: Path, *files: list[dict[str, Any]]) -> dict[str, Any]:
    paths = [write_annotations(out / f"{n}.json", rows) for n, rows in enumerate(files)]
    import_alpaca_eval(paths, out / "out")
    return json.loads((out / "out" / "card.json").read_text())


@pytest.mark.parametrize(
    ("given", "expected"),
    [(1, 0), (2.0, 1), (1.25, 0.25), (1.5, 0.5), (0, 0.5), (0.0, 0.5), (None, None)],
)
def test_preferences(given: float | None, expected: float | None):
    assert read_preference(ROW | {"preference": given}, "f, row 1").preference == expected


def test_nan_is_none():
    assert read_preference(ROW | {"preference": math.nan}, "f, row 1").preference is None


def test_lengths_are_characters_and_texts_stay_out():
    row = ROW | {"output_1": "é" * 3, "output_2": "", "dataset": "vicuna"}
    found = read_preference(row, "f, row 1")
    assert (found.baseline_length, found.length, found.category) == (3, 0, "vicuna")
    assert "Do thing" not in found.model_dump_json()


def test_models_with_their_rows_in_order(tmp_path: Path):
    gap = annotated(2, 0.0, n=4, model="org/b")
    gap[1]["preference"] = None
    card = imported(tmp_path, annotated(1, 0.0, n=5, model="a"), gap)
    assert card["format"] == "alpaca_eval"
    assert (card["judge"], card["baseline"]) == (JUDGE, "gpt4_1106_preview")
    assert card["models"] == {
        "a": {"file": "a.jsonl", "rows": 5, "without_preference": 0},
        "org/b": {"file": "org_b.jsonl", "rows": 4, "without_preference": 1},
    }
    assert card["sources"][1] == {"file": "1.json", "sha256": file_sha256(tmp_path / "1.json")}
    found = read_jsonl(tmp_path / "out" / "org_b.jsonl", Preference)
    assert [one.length for one in found] == [len(row["output_2"]) for row in gap]
    assert found[1].preference is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"preference": 3},
            "row 1, key 'preference': expected 1 to 2, 0 for a tie or null, found 3",
        ),
        ({"preference": 0.7}, "found 0.7"),
        ({"preference": "2"}, "found '2'"),
        ({"preference": True}, "found True"),
        ({"output_2": None}, "row 1, key 'output_2': expected a text, found None"),
        ({"instruction": ""}, "key 'instruction': expected a text"),
        ({"annotator": "other"}, "row 2: judge .* after 'other'; import each alone"),
        ({"generator_1": "gpt-4"}, "row 2: baseline 'gpt4_1106_preview' after 'gpt-4'"),
        ({"instruction": "Do thing 1."}, "row 2: a second row of this model and this instruction"),
    ],
)
def test_what_is_refused(tmp_path: Path, change: dict[str, Any], message: str):
    rows = annotated(1, 0.0, n=3)
    rows[0] |= change
    with pytest.raises(UserError, match=message):
        imported(tmp_path, rows)


def test_no_preference_key(tmp_path: Path):
    rows = annotated(1, 0.0, n=1)
    del rows[0]["preference"]
    with pytest.raises(UserError, match=r"0\.json, row 1: no key 'preference'"):
        imported(tmp_path, rows)


def test_no_rows(tmp_path: Path):
    with pytest.raises(UserError, match=r"0\.json: no annotations"):
        imported(tmp_path, [])
