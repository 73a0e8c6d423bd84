"""Policies as reward models in Table 4: base has no implicit reward, and that is said."""

import csv
import json
import re
from pathlib import Path

import ability_files
import pytest

from asft.config.experiment import Statistics
from asft.tables.table4 import AbilityFile, tabulate_table4

REWARD = ("pairs", "reward_accuracy", "none")
PER_TOKEN = ("pairs", "per_token_accuracy", "none")
WON = {"base": [], "dpo": [n % 4 != 0 for n in range(16)], "ipo": [n % 2 == 0 for n in range(16)]}


def made(folder: Path) -> list[AbilityFile]:
    """Three score files, with what asft.metrics.implicit_reward says of each."""
    files = []
    for method, won in WON.items():
        path = folder / method / "implicit_reward.csv"
        values = {PER_TOKEN: [(0.5, 1.0)] * 8 + [(1.0, 1.0)] * 8}
        rewards = [(float(each), 1.0) for each in won] or [(0.0, 1.0)] * 16
        ability_files.write(path, {REWARD: rewards, **values})
        if method == "base":
            text = path.read_text().splitlines()
            lines = [f"{x.rsplit(',', 2)[0]},," if REWARD[1] in x else x for x in text]
            path.write_text("\n".join(lines) + "\n")
        about = {"results": {}, "left_out": [], "asked": 16, "remarks": ["base has none", "ties"]}
        about |= {"ties": {"reward_accuracy": 0, "per_token_accuracy": 8}}
        path.with_suffix(".results.json").write_text(json.dumps(about))
        files.append(AbilityFile("-" if method == "base" else "hh", method, 1, "pairs", path))
    return files


@pytest.fixture
def table(tmp_path: Path) -> Path:
    given = {"model": "tiny", "note": "", "chat_template": {"pairs": None}}
    out = tmp_path / "table4.csv"
    tabulate_table4(made(tmp_path), statistics=Statistics(), out=out, **given)  # type: ignore[arg-type]
    return out


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_base_has_a_dash_and_the_others_their_numbers(table: Path) -> None:
    found = {(row["method"], row["metric"]): row for row in rows(table)}
    base = found["base", "reward_accuracy"]
    assert [base[key] for key in ("value", "low", "high", "n")] == ["", "", "", "0"]
    assert found["dpo", "reward_accuracy"]["value"] == "75.0000"
    assert found["base", "per_token_accuracy"]["value"] == "75.0000"
    assert {row["unit"] for row in found.values()} == {"per cent"}
    assert {row["chat_template"] for row in found.values()} == {""}


def test_n_counts_the_questions_of_the_cell(tmp_path: Path) -> None:
    """One prompt left no room to ipo's policy: no row's number is over it."""
    files = made(tmp_path)
    path = files[2].path
    text = path.read_text().splitlines()
    lost = f"{PER_TOKEN[0]},{PER_TOKEN[1]},none,3,"
    lines = [f"{x.rsplit(',', 2)[0]},," if x.startswith(lost) else x for x in text]
    path.write_text("\n".join(lines) + "\n")
    given = {"model": "tiny", "note": "", "chat_template": {"pairs": None}}
    out = tmp_path / "table4.csv"
    tabulate_table4(files, statistics=Statistics(), out=out, **given)  # type: ignore[arg-type]
    found = {(row["method"], row["metric"]): (row["n"], row["value"]) for row in rows(out)}
    value = f"{100 * (7 * 0.5 + 8) / 15:.4f}"
    assert {found[method, PER_TOKEN[1]] for method in WON} == {("15", value)}
    assert [found[method, REWARD[1]][0] for method in WON] == ["0", "16", "16"]


def test_an_interval_ends_where_the_scale_of_ties_does(tmp_path: Path) -> None:
    path = tmp_path / "implicit_reward.csv"
    number = ("rb_ties", "per_token_accuracy", "none")
    lost = [(-0.01, 1.0)] * 7 + [(0.3, 1.0)]
    ability_files.write(path, {number: lost}, spans={"rb_ties": [-1, 101]})
    out, given = (
        tmp_path / "table4.csv",
        {"model": "tiny", "note": "", "chat_template": {"rb": None}},
    )
    file = AbilityFile("hh", "dpo", 1, "rb", path)
    tabulate_table4([file], statistics=Statistics(), out=out, **given)  # type: ignore[arg-type]
    (row,) = rows(out)
    assert (row["unit"], row["low"], row["value"]) == ("per cent", "-1.0000", "2.8750")


def test_differences_are_between_those_that_have_one(table: Path) -> None:
    found = rows(table.with_name("table4.differences.csv"))
    pairs = {
        metric: [(x["method_a"], x["method_b"]) for x in found if x["metric"] == metric]
        for metric in ("reward_accuracy", "per_token_accuracy")
    }
    assert pairs["reward_accuracy"] == [("dpo", "ipo")]
    assert len(pairs["per_token_accuracy"]) == 3
    reward = next(row for row in found if row["metric"] == "reward_accuracy")
    assert (reward["difference"], reward["n"], reward["compared"]) == ("25.0000", "16", "1")


def test_the_note_says_why_and_how_many_tied(table: Path) -> None:
    text = table.with_suffix(".md").read_text()
    assert "## pairs: 16 questions, completions ranked by log-probability" in text
    assert "Base has none. Ties." in text
    assert "8 of 16 (per_token_accuracy of dpo)" in text
    assert re.search(r"\| base +\| 1 +\| — +\|", text)
    assert "pairs: 16 questions" in table.with_suffix(".tex").read_text()
