"""Tables 2 and 3 of several base models, joined."""

import csv
import json

import pytest
import table2_scores
import table3_scores

from asft.errors import UserError
from asft.tables import join_table2, join_table3
from asft.tables.by_model import ModelTable

STATISTICS: dict[str, object] = {}


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_table_3_is_the_rows_of_each(tmp_path):
    folder = tmp_path / "one"
    folder.mkdir()
    several = table3_scores.run(folder, table3_scores.jobs(folder))
    single = tmp_path / "two"
    single.mkdir()
    one_seed = table3_scores.run(single, [job for job in table3_scores.jobs(single) if job[2] == 1])
    out = tmp_path / "table3.csv"
    tables = [ModelTable("NA", several), ModelTable("second", one_seed)]  # a name, no missing value
    join_table3(json.dumps({"note": "A note.", "statistics": STATISTICS}), tables, out)
    joined = read(out)
    own = [("NA", row) for row in read(several)] + [("second", row) for row in read(one_seed)]
    assert len(joined) == len(own)
    for row, (model, before) in zip(joined, own, strict=True):
        assert next(iter(row)) == "model"
        assert row["model"] == model
        # The very text of each number; what only some tables have is empty in the others.
        assert {key: row[key] for key in before if key != "model"} == {
            key: text for key, text in before.items() if key != "model"
        }
    assert joined[-1]["bleu4_seed_sd"] == ""
    pairs = read(out.with_suffix(".differences.csv"))
    assert {row["model"] for row in pairs} == {"NA", "second"}
    text = out.with_suffix(".md").read_text()
    assert "# Table 3: 2 base models on alpaca_en, n = 12. A note." in text
    lines = [line for line in text.splitlines() if line.startswith("| second")]
    assert any("hh_rlhf" in line and "asft" in line for line in lines)
    bleu = next(row for row in joined if row["model"] == "second" and row["method"] == "asft")
    assert any(f"{float(bleu['bleu4']):.2f} [" in line for line in lines)
    latex = out.with_suffix(".tex").read_text()
    assert latex.count(r"\emph{second}") == 2  # in each family


def test_table_2_is_the_rows_of_each(tmp_path):
    paths = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        paths.append(table2_scores.run(tmp_path / name, table2_scores.jobs(tmp_path / name)))
    rows = read(paths[0])
    panels = [("arena_hard", "gpt4t", "arena_hard"), ("mt_bench", "gpt4", "mt_bench")]
    out = tmp_path / "table2.csv"
    tables = [ModelTable(f"m{number}", path) for number, path in enumerate(paths)]
    settings = {"note": "", "statistics": STATISTICS, "panels": panels}
    join_table2(json.dumps(settings), tables, out)
    joined = read(out)
    assert [row["model"] for row in joined] == ["m0"] * len(rows) + ["m1"] * len(rows)
    text = out.with_suffix(".md").read_text()
    for panel in panels:
        assert f"## {panel[0]}, judged by" in text
    assert "| m1" in text
    assert r"\emph{m1}" in out.with_suffix(".tex").read_text()


def test_a_table_that_is_missing(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        join_table3(
            json.dumps({"note": "", "statistics": STATISTICS}),
            [ModelTable("a", tmp_path / "none.csv")],
            tmp_path / "table3.csv",
        )
