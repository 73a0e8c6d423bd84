"""Table 4: lm-eval's values question by question, pooled, with intervals, paired."""

import csv
import json
from pathlib import Path

import ability_files
import pytest

from asft.config.experiment import Statistics
from asft.errors import UserError
from asft.metrics.ability_scores import per_cent, read_ability_scores
from asft.metrics.statistics import interval, outcome, paired_difference
from asft.tables.table4 import AbilityFile, make_table4, tabulate_table4

GSM = ("gsm8k", "exact_match", "strict-match")
INST = ("ifeval", "inst_level_strict_acc", "none")
BITS = ("wikitext", "bits_per_byte", "none")
RIGHT = [(float(n % 3 == 0), 1.0) for n in range(24)]  # a third
LESS = [(float(n % 6 == 0), 1.0) for n in range(24)]
LISTS = [(1.0, 2.0), (2.0, 3.0), (1.0, 1.0)] * 8  # 4 of 6 instructions


def table(folder: Path, files: list[AbilityFile], **more: object) -> list[dict[str, str]]:
    out = folder / "table4.csv"
    given = {"model": "tiny", "note": "a note", "chat_template": {"abilities": True}}
    tabulate_table4(files, statistics=Statistics(), out=out, **given | more)  # type: ignore[arg-type]
    with out.open(newline="") as file:
        return list(csv.DictReader(file))


def files(folder: Path) -> list[AbilityFile]:
    values = {"base": RIGHT, "sft": LESS}
    return [
        AbilityFile(
            *("-" if name == "base" else "uf", name, 1, "abilities"),
            ability_files.write(folder / name / "lm_eval.csv", {GSM: sums, INST: LISTS}),
        )
        for name, sums in values.items()
    ]


def test_values_are_ratios_of_sums_in_per_cent(tmp_path: Path) -> None:
    rows = table(tmp_path, files(tmp_path))
    values = [(row["method"], row["task"], row["value"]) for row in rows]
    assert values == [
        ("base", "gsm8k", "33.3333"),
        ("base", "ifeval", "66.6667"),
        ("sft", "gsm8k", "16.6667"),
        ("sft", "ifeval", "66.6667"),
    ]
    assert {row["unit"] for row in rows} == {"per cent"}
    assert [row["lm_eval"] for row in rows] == [row["value"] for row in rows]
    assert {row["lm_eval_stderr"] for row in rows} == {"12.5000"}
    assert {(row["version"], row["num_fewshot"], row["chat_template"]) for row in rows} == {
        ("1.0", "4", "True")
    }


def test_intervals_and_differences_are_those_of_the_other_tables(tmp_path: Path) -> None:
    rows = table(tmp_path, files(tmp_path))
    first, second = (
        read_ability_scores(tmp_path / name / "lm_eval.csv").sums[GSM][None]  # type: ignore[index]
        for name in ("base", "sft")
    )
    found = interval(first, per_cent, Statistics(), (0, 100))
    assert [float(rows[0][key]) for key in ("low", "high")] == pytest.approx(
        [found.low, found.high], abs=1e-4
    )
    difference = paired_difference(first, second, per_cent, Statistics(), (0, 100))
    with (tmp_path / "table4.differences.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["task"] for line in lines] == ["gsm8k", "ifeval"]
    assert float(lines[0]["difference"]) == pytest.approx(difference.value, abs=1e-4)
    assert float(lines[0]["p_value"]) == pytest.approx(difference.p_value, abs=1e-4)
    assert lines[0]["verdict"] == outcome(difference)
    assert lines[1]["difference"] == "0.0000"
    assert {line["compared"] for line in lines} == {"1"}  # with the untrained policy


def test_an_interval_ends_where_the_scale_does(tmp_path: Path) -> None:
    most = [(float(n > 0), 1.0) for n in range(24)]
    path = ability_files.write(tmp_path / "lm_eval.csv", {GSM: most})
    (row,) = table(tmp_path, [AbilityFile("uf", "sft", 1, "abilities", path)])
    assert row["high"] == "100.0000"
    assert float(row["value"]) == pytest.approx(100 * 23 / 24, abs=1e-4)
    assert 75 < float(row["low"]) < 85


def test_a_value_beyond_its_count_keeps_its_scale_and_its_direction(tmp_path: Path) -> None:
    made = [
        AbilityFile(
            *("-" if name == "base" else "uf", name, 1, "abilities"),
            ability_files.write(
                tmp_path / name / "lm_eval.csv",
                {BITS: [(level + n / 100, 1.0) for n in range(12)]},
                higher_is_better={"wikitext": {"bits_per_byte": False}},
            ),
        )
        for name, level in (("base", 2.0), ("sft", 1.0))
    ]
    rows = table(tmp_path, made)
    assert [(row["value"], row["unit"]) for row in rows] == [("2.0550", ""), ("1.0550", "")]
    text = (tmp_path / "table4.differences.csv").read_text()
    assert "worse" in text.splitlines()[1].split(",")  # base has more, and less is better


def test_several_seeds_are_pooled_and_have_no_standard_error_of_lm_eval(tmp_path: Path) -> None:
    made = [
        AbilityFile(
            *("uf", "sft", seed, "abilities"),
            ability_files.write(tmp_path / f"{seed}" / "lm_eval.csv", {GSM: sums}),
        )
        for seed, sums in ((1, RIGHT), (2, LESS))
    ]
    (row,) = table(tmp_path, made)
    assert (row["value"], row["seeds"], row["lm_eval"]) == ("25.0000", "2", "")
    assert float(row["seed_sd"]) == pytest.approx(11.785, abs=1e-3)


def test_markdown_and_latex_say_how_it_was_asked_and_what_is_left_out(tmp_path: Path) -> None:
    made = files(tmp_path)
    for file in made:
        path = file.path.with_suffix(".results.json")
        path.write_text(json.dumps(json.loads(path.read_text()) | {"left_out": ["ppl x (none)"]}))
    table(tmp_path, made)
    text = (tmp_path / "table4.md").read_text()
    assert "## gsm8k: 24 questions, 4-shot, chat template, version 1.0" in text
    assert "] ± 12.5" in text
    assert "- exact_match (strict-match): share of questions whose answer gives the" in text
    assert "- inst_level_strict_acc: share of instructions that were followed" in text
    assert "no ratio of sums over questions: ppl x (none)." in text
    tex = (tmp_path / "table4.tex").read_text()
    assert "exact\\_match (strict-match)" in tex
    assert "gsm8k: 24 questions" in tex
    assert "\\par\\footnotesize ifeval: inst\\_level\\_strict\\_acc: share of instructions" in tex


def test_other_questions_are_refused(tmp_path: Path) -> None:
    made = files(tmp_path)
    ability_files.write(made[1].path, {GSM: LESS[:-1], INST: LISTS})
    with pytest.raises(
        UserError, match=r"sft.*gsm8k exact_match \(strict-match\): other questions"
    ):
        table(tmp_path, made)


def test_the_step_reads_its_settings(tmp_path: Path) -> None:
    given = {"model": "m", "note": "", "chat_template": {"abilities": False}}
    given |= {"statistics": {"confidence": 0.9}}  # type: ignore[dict-item]
    make_table4(json.dumps(given), files(tmp_path), tmp_path / "table4.csv")
    assert "no chat template" in (tmp_path / "table4.md").read_text()
    assert "90 %" in (tmp_path / "table4.md").read_text()
