"""AlpacaEval's win rates from imported annotations: the table, its notes, whose difficulty."""

import csv
from pathlib import Path

import pytest
from alpaca_annotations import Rows, annotated, gamed_rows, write_annotations, write_gamed

from asft.errors import UserError
from asft.judging import import_alpaca_eval
from asft.tables.preferences import rebuild_preferences

BASELINE = "gpt4_1106_preview"


def rebuilt(
    folder: Path, files: list[Rows], gamed: bool = True, questions: Rows | None = None
) -> dict[str, dict[str, str]]:
    paths = [write_annotations(folder / f"{n}.json", rows) for n, rows in enumerate(files)]
    import_alpaca_eval(paths, folder / "out")
    path = write_gamed(folder / "df_gamed.csv", gamed_rows()) if gamed else None
    asked = write_annotations(folder / "questions.json", questions) if questions else None
    rebuild_preferences(folder / "out", path, asked)
    return {row["name"]: row for row in cells(folder / "out" / "table.csv")}


def cells(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def text(folder: Path) -> str:
    return (folder / "out" / "table.md").read_text()


def test_the_leaderboard_s_columns(tmp_path: Path):
    """The numbers are alpaca_eval's, as tests/oracle/test_alpaca_eval.py records them."""
    files = [annotated(2, 0.0, model="even"), annotated(3, 1.5, model="strong")]
    table = rebuilt(tmp_path, files)
    assert list(table) == ["strong", "even"]
    even = {name: float(value) for name, value in table["even"].items() if name != "name"}
    assert even["win_rate"] == pytest.approx(51.2212, abs=1e-4)
    assert even["standard_error"] == pytest.approx(3.6346, abs=1e-4)
    assert even["length_controlled_winrate"] == pytest.approx(51.708, abs=0.001)
    assert even["strength"] == pytest.approx(2.7826, abs=1e-4)
    assert [even[n] for n in ("n_wins", "n_wins_base", "n_draws", "n_total")] == [24, 29, 7, 60]
    lengths = [len(row["output_2"]) for row in files[0]]
    assert even["avg_length"] == sum(lengths) // 60
    assert "| even    | 51.22      |" in text(tmp_path)
    assert "by weighted_alpaca_eval_gpt4_turbo, against gpt4_1106_preview" in text(tmp_path)


def test_a_row_a_question(tmp_path: Path):
    rows = annotated(2, 0.0)
    rows[1]["preference"] = None
    rebuilt(tmp_path, [rows])
    found = cells(tmp_path / "out" / "scores" / "m.csv")
    assert len(found) == 60
    names = ("question_id", "category", "preference", "length", "baseline_length")
    assert tuple(found[0]) == (*names, "difficulty", "controlled")
    assert found[1]["preference"] == ""
    assert 0 < float(found[1]["controlled"]) < 1


def test_without_the_gamed_baselines(tmp_path: Path):
    table = rebuilt(tmp_path, [annotated(2, 0.0)], gamed=False)
    assert "length_controlled_winrate" not in table["m"]
    assert "it needs alpaca_eval's df_gamed.csv (--gamed)" in text(tmp_path)
    assert "difficulty" not in cells(tmp_path / "out" / "scores" / "m.csv")[0]


def test_the_baseline_itself(tmp_path: Path):
    """Fitted, as it is here under its own name, it would not get 50."""
    table = rebuilt(tmp_path, [annotated(3, 1.5, model=BASELINE)])
    assert float(table[BASELINE]["length_controlled_winrate"]) == 50
    assert table[BASELINE]["strength"] == ""


def test_missing_rows_are_named(tmp_path: Path):
    whole = annotated(5, -1.0)
    table = rebuilt(tmp_path, [whole[:10] + whole[13:]])
    assert float(table["m"]["length_controlled_winrate"]) == pytest.approx(38.225, abs=0.001)
    assert "Rows of 60: m 57. From the first gap on" in text(tmp_path)


def test_difficulties_by_instruction_do_not_depend_on_the_order(tmp_path: Path):
    whole = annotated(5, -1.0)
    by_row = rebuilt(tmp_path, [whole])["m"]
    turned = rebuilt(tmp_path, [whole[::-1]], questions=whole)["m"]
    assert turned == by_row
    other = rebuilt(tmp_path, [whole[::-1]])["m"]
    assert other["win_rate"] == by_row["win_rate"]
    assert other["length_controlled_winrate"] != by_row["length_controlled_winrate"]


def test_what_is_refused(tmp_path: Path):
    rows = annotated(1, 0.0)
    with pytest.raises(UserError, match="m has no preference at all"):
        rebuilt(tmp_path, [[row | {"preference": None} for row in rows]])
    with pytest.raises(UserError, match=r"m: 61 rows; .*df_gamed.csv has 60"):
        rebuilt(tmp_path, [annotated(1, 0.0, n=61)])
    with pytest.raises(UserError, match=r"questions.json: 59 instructions; .*df_gamed.csv has 60"):
        rebuilt(tmp_path, [rows], questions=rows[1:])
    with pytest.raises(UserError, match=r"m: instruction .* is none of --questions"):
        rebuilt(tmp_path, [annotated(1, 0.0, n=61)[1:]], questions=rows)
