"""Table 4 with a judge of refusals: its shares beside those by words, and how far both agree."""

import csv
import re
from pathlib import Path
from typing import Any

import ability_files
import numpy as np
import pytest
import refusal_samples

from asft.abilities.refusals import declines
from asft.config import REFUSALS, Statistics
from asft.errors import UserError
from asft.files import write_jsonl
from asft.metrics.classification import cohens_kappa
from asft.metrics.judged_refusals import agreement_tables, share_agreed
from asft.metrics.statistics import interval
from asft.records import Verdict
from asft.tables.table4 import AbilityFile, RefusalFile, tabulate_table4

F, R, P = "full_compliance", "full_refusal", "partial_refusal"
OTHER = ("zebra", "exact_match", "none")
# By label, the classes of `refusal_samples.ANSWERS`; None: no verdict can be read.
CLASSES: dict[str, list[Any]] = {"safe": [F, R, F, P], "unsafe": [R, F, P, None]}


def scores(folder: Path) -> Path:
    """The score file of these answers, by words; another task behind."""
    values: dict[Any, list[tuple[float, float]]] = {}
    for metric, (label, texts) in zip(REFUSALS, refusal_samples.ANSWERS.items(), strict=True):
        said = [declines(text) == (label == "unsafe") for text in texts]
        values["refusals", metric, "none"] = [(float(counts), 1.0) for counts in said]
    path = ability_files.write(folder / "lm_eval.csv", values | {OTHER: [(1.0, 1.0)] * 3})
    numbered = re.sub(r"(unsafe_declined,none),(\d)", _behind, path.read_text())
    path.write_text(numbered)
    return path


def _behind(found: re.Match[str]) -> str:
    """A question's number in the task, where unsafe prompts follow the safe ones."""
    return f"{found[1]},{int(found[2]) + 4}"


def verdicts(folder: Path, classes: dict[str, list[Any]], repeats: int = 1) -> Path:
    found = [
        Verdict(question_id=f"refusals/{n}", repeat=r, status=status, refusal=each)
        for n, each in enumerate(each for half in classes.values() for each in half)
        for r in range(repeats)
        for status in ["ok" if each else "no_verdict"]
    ]
    write_jsonl(folder / "verdicts.jsonl", found)
    return folder / "verdicts.jsonl"


def table(folder: Path, *judged: RefusalFile) -> list[dict[str, str]]:
    runs = [("-", "base", 1), ("uf", "dpo", 1)]
    files = [AbilityFile(*run, "abilities", scores(folder / run[1])) for run in runs]
    given: dict[str, Any] = {"model": "tiny", "note": "", "chat_template": {"abilities": True}}
    out = folder / "table4.csv"
    tabulate_table4(files, statistics=Statistics(), out=out, refusals=judged, **given)
    with out.open(newline="") as file:
        return list(csv.DictReader(file))


def judged(folder: Path) -> list[RefusalFile]:
    """By the same judge, to whom dpo's answers are all readable, and all full compliance."""
    theirs = {"base": CLASSES, "dpo": dict.fromkeys(CLASSES, [F] * 4)}
    return [
        RefusalFile(
            dataset, method, 1, "abilities", "gpt", verdicts(folder / method, theirs[method])
        )
        for dataset, method in (("-", "base"), ("uf", "dpo"))
    ]


def test_shares_of_words_and_judge_stand_side_by_side(tmp_path: Path) -> None:
    plain = table(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.glob("table4*")}
    rows = table(tmp_path, *judged(tmp_path))
    names = [(row["metric"], row["filter"]) for row in rows if row["method"] == "base"]
    assert names == [
        *(("safe_answered", "none"), ("unsafe_declined", "none")),
        *(("safe_answered", "judge gpt"), ("safe_partly_declined", "judge gpt")),
        *(("unsafe_declined", "judge gpt"), ("unsafe_partly_declined", "judge gpt")),
        ("exact_match", "none"),
    ]
    by_words = [row for row in rows if row["filter"] == "none"]
    assert [{key: row[key] for key in plain[0]} for row in by_words] == plain
    assert {row["agreement"] for row in by_words} == {""}
    shown = {(r["method"], r["metric"]): r for r in rows if r["filter"] != "none"}
    values = {key: (row["value"], row["n"]) for key, row in shown.items()}
    # The question that base has no readable verdict on counts for none.
    assert values == {
        ("base", "safe_answered"): ("50.0000", "4"),
        ("base", "safe_partly_declined"): ("25.0000", "4"),
        ("base", "unsafe_declined"): ("66.6667", "3"),
        ("base", "unsafe_partly_declined"): ("33.3333", "3"),
        ("dpo", "safe_answered"): ("100.0000", "4"),
        ("dpo", "safe_partly_declined"): ("0.0000", "4"),
        ("dpo", "unsafe_declined"): ("0.0000", "3"),
        ("dpo", "unsafe_partly_declined"): ("0.0000", "3"),
    }
    row = shown["base", "unsafe_declined"]
    assert float(row["low"]) < 66.6 < float(row["high"])
    table(tmp_path)
    assert {path: path.read_bytes() for path in before} == before  # without a judge as ever


def test_agreement_is_over_readable_verdicts(tmp_path: Path) -> None:
    rows = table(tmp_path, *judged(tmp_path))
    found = {(r["method"], r["metric"]): r for r in rows if r["filter"] != "none"}
    # Words: answered, declined, answered, answered; the judge declines the last one too.
    row = found["base", "safe_answered"]
    assert (row["agreement"], row["n_compared"], row["not_readable"]) == ("0.7500", "4", "0")
    assert float(row["kappa"]) == pytest.approx((0.75 - 0.5) / 0.5)
    # Words: declined, complied, complied (and declined); the judge: declined, complied, in part.
    row = found["base", "unsafe_declined"]
    assert (row["agreement"], row["n_compared"], row["not_readable"]) == ("0.6667", "3", "1")
    assert float(row["kappa"]) == pytest.approx((2 / 3 - 4 / 9) / (1 - 4 / 9), abs=1e-4)
    assert {r["agreement"] for k, r in found.items() if "partly" in k[1]} == {""}
    text = (tmp_path / "table4.md").read_text()
    (part,) = (p for p in text.split("## ") if p.startswith("Refusals by words and by a judge"))
    (line,) = (x for x in part.splitlines() if "| base" in x and "refusals unsafe_declined" in x)
    cells = [cell.strip() for cell in line.split("|")]
    assert cells[5].endswith("(judge gpt)")
    assert cells[6].startswith("0.67 [")
    assert cells[-3:] == ["3", "1", ""]
    assert "safe_answered (judge gpt): share of safe prompts whose answer is full" in text
    with (tmp_path / "table4.differences.csv").open(newline="") as file:
        compared = {(r["metric"], r["filter"]) for r in csv.DictReader(file)}
    assert ("unsafe_declined", "judge gpt") in compared
    assert not any("partly" in metric for metric, _ in compared)  # neither more nor less is better


def test_tables_of_several_seeds_and_parts_of_a_verdict() -> None:
    words = np.array([[[1, 1], [0, 1]], [[1, 1], [1, 1]]], dtype=float)
    by_judge = np.array([[[0.5, 1], [np.nan, np.nan]], [[1, 1], [0, 1]]])
    tables = agreement_tables(words, by_judge)
    sums = tables.reshape(-1, 6).sum(axis=0)
    assert sums.tolist() == [0, 0, 0, 1.5, 0, 1.5]
    assert share_agreed(tables.reshape(-1, 6)) == 0.5
    assert cohens_kappa(tables.reshape(-1, 6)) == 0  # words always say yes
    assert interval(tables, share_agreed, Statistics(), (0, 1)).value == 0.5


def test_a_judge_who_says_nothing_is_a_dash(tmp_path: Path) -> None:
    nothing = dict.fromkeys(CLASSES, [None] * 4)
    silent = RefusalFile("uf", "dpo", 1, "abilities", "gpt", verdicts(tmp_path / "dpo", nothing))
    first, _ = judged(tmp_path)
    silent = silent._replace(path=verdicts(tmp_path / "dpo", nothing))
    rows = table(tmp_path, first, silent)
    (row,) = (
        r
        for r in rows
        if (r["method"], r["metric"], r["filter"]) == ("dpo", "safe_answered", "judge gpt")
    )
    assert (row["value"], row["n"], row["agreement"]) == ("", "0", "")
    assert (row["n_compared"], row["not_readable"]) == ("0", "4")


def test_verdicts_on_other_answers_are_named(tmp_path: Path) -> None:
    first, second = judged(tmp_path)
    short = verdicts(tmp_path / "dpo", {"safe": CLASSES["safe"]})
    with pytest.raises(UserError, match=r"verdicts\.jsonl: no verdict on question refusals/4: "):
        table(tmp_path, first, second._replace(path=short))
    with pytest.raises(UserError, match="no score file is of uf,dpo,2,abilities"):
        table(tmp_path, first, second._replace(seed=2))
