"""Tables 2 to 4 of several base models, joined."""

import csv
import json
import re

import ability_files
import pytest
import table2_scores
import table3_scores

from asft.config import Statistics
from asft.errors import UserError
from asft.files import write_jsonl
from asft.records import Verdict
from asft.tables import join_table2, join_table3, join_table4
from asft.tables.by_model import ModelTable
from asft.tables.table4 import AbilityFile, RefusalFile, tabulate_table4

STATISTICS: dict[str, object] = {}
REFUSED = ("asft_refusals", "unsafe_declined", "none")
SUMS = ("gsm8k", "exact_match", "strict-match")
ALONE = ("mine", "acc", "none")  # of one question, without an interval


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


def table4(folder, of_base, template, **more):
    """One model's Table 4, of the untrained policy and of dpo."""
    files = [
        AbilityFile(
            *run,
            "abilities",
            ability_files.write(folder / run[1] / "lm_eval.csv", values),
        )
        for run, values in (
            (("-", "base", 1), of_base),
            (("uf", "dpo", 1), {key: sums[::-1] for key, sums in of_base.items()}),
        )
    ]
    given = {"model": folder.name, "note": "", "chat_template": {"abilities": template}}
    out = folder / "table4.csv"
    tabulate_table4(files, statistics=Statistics(), out=out, **given, **more)
    return out


def judged(folder, classes):
    rows = [
        Verdict(
            question_id=f"{REFUSED[0]}/{n}", status="ok" if each else "no_verdict", refusal=each
        )
        for n, each in enumerate(classes)
    ]
    write_jsonl(folder / "verdicts.jsonl", rows)
    runs = (("-", "base", 1), ("uf", "dpo", 1))
    return [RefusalFile(*run, "abilities", "gpt", folder / "verdicts.jsonl") for run in runs]


def test_table_4_is_the_rows_of_each(tmp_path):
    """One has a judge of refusals, the other a task less, and another way of asking."""
    first, second = tmp_path / "NA", tmp_path / "two"
    said = [(float(n > 1), 1.0) for n in range(5)]
    classes = ["full_refusal", "full_compliance", None, "full_refusal", "partial_refusal"]
    first.mkdir()
    tables = [
        ModelTable(
            "NA",
            table4(first, {SUMS: said, REFUSED: said}, True, refusals=judged(first, classes)),
        ),
        ModelTable("two", table4(second, {SUMS: [*said, (0.0, 1.0)], ALONE: said[:1]}, False)),
    ]
    out = tmp_path / "table4.csv"
    join_table4(json.dumps({"note": "A note.", "statistics": STATISTICS}), tables, out)
    own = [row for table in tables for row in read(table.path)]
    for row, before in zip(read(out), own, strict=True):
        assert next(iter(row)) == "model"
        assert {key: row[key] for key in before} == before
        assert row["kappa"] == before.get("kappa", "")
    text = out.with_suffix(".md").read_text()
    assert "# Table 4: 2 base models. A note." in text
    parts = {part.split("\n")[0]: part for part in text.split("## ")}
    asked = "questions, 4-shot, {} template, version 1.0"
    with_template, without = (asked.format(each) for each in ("chat", "no chat"))
    by_model = {
        name: sorted(set(re.findall(r"^\| (\w+) +\| (?:-|uf) ", part, re.MULTILINE)))
        for name, part in parts.items()
    }
    assert by_model[f"gsm8k: 5 {with_template}"] == ["NA"]
    assert by_model[f"gsm8k: 6 {without}"] == ["two"]
    assert by_model[f"asft_refusals: 5 {with_template}"] == ["NA"]
    # What stands in each model's own table stands here, number by number.
    for table in tables:
        for line in table.path.with_suffix(".md").read_text().splitlines():
            cells = [cell.strip() for cell in line.split("|")[1:-1]]
            if len(cells) > 3 and "[" in line:
                assert re.search(r" *\| *".join(map(re.escape, cells)), text), line
    tex = out.with_suffix(".tex").read_text()
    assert (tex.count(r"\emph{NA}"), tex.count(r"\emph{two}")) == (2, 2)
    assert "nan" not in text + tex + tables[1].path.with_suffix(".tex").read_text()
    assert re.search(r"\| two +\| uf +\| dpo +\| 1 +\| 0\.0 ± 12\.5 ", parts[f"mine: 1 {without}"])
    pairs = read(out.with_suffix(".differences.csv"))
    assert {row["model"] for row in pairs} == {"NA", "two"}
