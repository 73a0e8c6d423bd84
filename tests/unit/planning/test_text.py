"""The table says what is unknown in a word, and adds up the rest."""

import csv

from asft.planning.judge_costs import JudgeLine
from asft.planning.lines import Line
from asft.planning.text import plan_text, write_plan

TRAIN = Line("train", True, 2, 1, 1.5, False, 45.0, 4600.0, 550.0, "counted")
TASKS = Line("lm_eval", True, 1, 0, None, False, None, 1500.0, 0.0, "unknown")
SMALL = Line("score", False, 3, 0, 0.01, False, 0.1, 400.0, 0.0, "measured here")
PAID = JudgeLine("gpt", "gpt-4", 80, {"a": 1000.0, "b": 500.0}, 200.0, 1.25, 2, False)
FREE = JudgeLine("own", "tiny", 10, {"a": 1000.0}, 0.0, "local")
NOBODY = JudgeLine("new", "x", 10, {"a": 1000.0}, None, None)
AHEAD = JudgeLine("ahead", "y", unknown_jobs=4)


def test_a_line_a_rule_and_the_sums():
    lines = plan_text([TASKS, SMALL, TRAIN], [], 2).splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["train", "lm_eval", "others,"]
    assert lines[1].split() == ["train", "2", "1", "1.50", "CPU", "22.5", "4,600", "550", "counted"]
    assert lines[2].split()[3:5] == ["unknown", "unknown"]
    assert lines[5:] == [
        "6 jobs to do, 1 there",
        "1.51 CPU hours, at least 45 minutes on 2 cores, and lm_eval, of which it is unknown",
        "4,600 MB in the largest job",
        "550 MB of models and policies are added",
    ]


def test_money_is_a_sum_or_none_or_unknown():
    said = plan_text([TRAIN], [PAID, FREE, NOBODY], 2)
    paid, free, nobody = said.splitlines()[-4:-1]
    assert paid.split() == ["gpt", "gpt-4", "80", "1,500", "200", "1.25", "estimated"]
    assert "0, it runs here" in free
    assert nobody.split()[-3:] == ["unknown", "unknown", "counted"]
    assert said.endswith("gpt: besides, 2 job(s) whose questions are not fetched yet\n")


def test_a_judge_of_questions_that_are_not_fetched_is_unknown():
    row, note = plan_text([TRAIN], [AHEAD], 2).splitlines()[-2:]
    assert row.split() == ["ahead", "y", *["unknown"] * 5]
    assert note.startswith("ahead: besides, 4 job(s)")


def test_csv(tmp_path):
    write_plan([TRAIN, TASKS], [PAID, FREE, NOBODY], tmp_path / "plan.csv")
    train, tasks, paid, free, nobody = csv.DictReader((tmp_path / "plan.csv").open())
    assert (train["to_do"], train["hours"], train["unit"], train["sure"]) == (
        *("2", "1.5", "cpu", "counted"),
    )
    assert tasks["hours"] == ""
    assert [row["usd"] for row in (paid, free, nobody)] == ["1.25", "0", ""]
    assert paid["tokens_read"] == "1500"
