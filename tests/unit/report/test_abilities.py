"""A task of lm-evaluation-harness on the samples page: what was asked, said and right."""

import json
from pathlib import Path
from typing import Any

import ability_files
import pytest
from report_results import small

from asft.config import Config, table4_contestants
from asft.errors import UserError
from asft.report.abilities import samples, table4
from asft.report.pages import render
from asft.tables.table4 import AbilityFile, tabulate_table4

CONFIG = Config.model_validate(small())


def test_a_table_says_what_its_numbers_mean(tmp_path: Path) -> None:
    keys = [("ifeval", f"{of}_level_strict_acc", "none") for of in ("prompt", "inst")]
    path = tmp_path / "lm_eval.csv"
    ability_files.write(path, dict.fromkeys([*keys, ("mine", "acc", "none")], [(1.0, 1.0)] * 3))
    given = {"model": "m", "note": "", "chat_template": {"abilities": True}}
    file = AbilityFile("-", "base", 1, "abilities", path)
    tabulate_table4([file], statistics=CONFIG.statistics, out=tmp_path / "table4.csv", **given)
    known, mine = table4(tmp_path, CONFIG)
    assert [note.split(": ")[0] for note in known.notes] == [key[1] for key in keys]
    assert "share of prompts all of whose instructions were followed" in known.notes[0]
    assert mine.notes == ()
    none = dict.fromkeys(("date", "versions", "model", "runs", "slices", "files"), "")
    context = {"matrices": [known], "model": "m", "note": "", "provenance": none}
    assert f"<li>{known.notes[1]}</li>" in render("matrix.html", context)


def write(folder: Path, *rows: list[dict[str, Any]]) -> None:
    for contestant, lines in zip(table4_contestants(CONFIG), rows, strict=True):
        path = folder / contestant.samples("abilities", "lm_eval")
        path.parent.mkdir(parents=True)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def said(right: int) -> list[dict[str, Any]]:
    return [ability_files.sample("sums", n, f"said {n}", right=n < right) for n in range(3)]


def test_words_that_were_said(tmp_path: Path) -> None:
    write(tmp_path, said(2), said(1))
    (found,) = samples(tmp_path, CONFIG)
    assert found.asked.benchmark == "abilities.sums"
    # What all prompts begin with, their examples, is not shown.
    assert [question.turns for question in found.questions] == [
        [f"Question {n}?"] for n in range(3)
    ]
    assert found.questions[1].references == ["gold 1"]
    assert found.completions[0]["2"].turns == ["said 2"]
    (measure,) = found.measures
    assert (measure.name, measure.scores) == ("exact_match", [[1, 1, 0], [1, 0, 0]])


def test_a_choice_by_log_probability_in_a_group(tmp_path: Path) -> None:
    row = ability_files.sample("mmlu", 0, "", right=True)
    row |= {"part": "mmlu_law", "target": 1, "arguments": [["Q", " no"], ["Q", " yes"]]}
    row |= {"resps": [[[-3.5, False]], [[-1.25, True]]], "metrics": ["acc"], "acc": [1, 0]}
    write(tmp_path, [row], [row])
    (found,) = samples(tmp_path, CONFIG)
    (question,) = found.questions
    assert (question.question_id, question.category) == ("mmlu_law/0", "mmlu_law")
    assert question.references == ["yes"]
    (text,) = found.completions[0]["mmlu_law/0"].turns
    assert text.splitlines()[1:] == ["   -3.500 no", "   -1.250 yes"]
    assert found.measures[0].scores == [[0.5], [0.5]]  # a list: the share of what is right


def test_other_questions_are_refused(tmp_path: Path) -> None:
    write(tmp_path, said(1), said(1)[:2])
    with pytest.raises(UserError, match=r"abilities\.sums: other questions than the others'"):
        list(samples(tmp_path, CONFIG))
