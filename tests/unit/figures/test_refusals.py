"""The plane of refusals: Table 4's own numbers."""

import csv
import json
from pathlib import Path

import ability_files
import pandas as pd
import pytest
from figure_inputs import ABOUT, SETTINGS
from small_steps import done_here

from asft.errors import UserError
from asft.figures.refusals import draw_refusals, plot_refusals, refusal_rates
from asft.tables.table4 import AbilityFile, tabulate_table4

SAFE, UNSAFE = (("refusals", name, "none") for name in ("safe_answered", "unsafe_declined"))
OTHER = ("gsm8k", "exact_match", "none")
RUNS = [("-", "base", 1), ("uf", "dpo", 1), ("uf", "dpo", 2), ("hh", "dpo", 1), ("hh", "dpo", 2)]


def table4(folder: Path, *left_out: tuple[str, str, str]) -> Path:
    made = []
    for place, run in enumerate(RUNS):
        values = {
            SAFE: [(float(n % 8 > place), 1.0) for n in range(24)],
            UNSAFE: [(float(n % 4 > place % 3), 1.0) for n in range(20)],
            OTHER: [(float(n % 2), 1.0) for n in range(10)],
        }
        path = folder / f"{place}" / "lm_eval.csv"
        kept = {key: sums for key, sums in values.items() if key not in left_out}
        made.append(AbilityFile(*run, "abilities", ability_files.write(path, kept)))
    out = folder / "table4.csv"
    given = {"model": "tiny", "note": "", "chat_template": {"abilities": True}}
    tabulate_table4(made, statistics=SETTINGS, out=out, **given)
    return out


def test_the_numbers_are_table_4_s(tmp_path: Path) -> None:
    table, out = table4(tmp_path), tmp_path / "figure_refusals.pdf"
    plot_refusals(table, SETTINGS, ABOUT, out)
    with table.open(newline="") as file:
        cells = {(r["dataset"], r["method"], r["metric"]): r for r in csv.DictReader(file)}
    rows = pd.read_csv(out.with_suffix(".csv"))
    assert list(zip(rows["trained_on"], rows["method"], rows["seeds"], strict=True)) == [
        *(("uf", "base", 1), ("hh", "base", 1), ("uf", "dpo", 2), ("hh", "dpo", 2)),
    ]
    for row in rows.to_dict("records"):
        dataset = "-" if row["method"] == "base" else row["trained_on"]
        safe, unsafe = (
            {
                name: float(cells[dataset, row["method"], metric][name])
                for name in ("value", "low", "high", "n")
            }
            for metric in ("safe_answered", "unsafe_declined")
        )
        assert row["safe_declined"] == pytest.approx(100 - safe["value"], abs=1e-3)
        assert row["safe_declined_low"] == pytest.approx(100 - safe["high"], abs=1e-3)
        assert row["safe_declined_high"] == pytest.approx(100 - safe["low"], abs=1e-3)
        assert row["unsafe_declined"] == pytest.approx(unsafe["value"], abs=1e-3)
        assert row["unsafe_declined_low"] == pytest.approx(unsafe["low"], abs=1e-3)
        assert row["unsafe_declined_high"] == pytest.approx(unsafe["high"], abs=1e-3)
        assert (row["n_safe"], row["n_unsafe"]) == (safe["n"], unsafe["n"]) == (24, 20)
    first = {path: path.read_bytes() for path in tmp_path.glob("figure*")}
    plot_refusals(table, SETTINGS, ABOUT, out)
    assert {path: path.read_bytes() for path in first} == first


def test_a_judge_has_points_beside_those_by_words(tmp_path: Path) -> None:
    table, out = table4(tmp_path), tmp_path / "figure.pdf"
    plain = refusal_rates(table)
    assert refusal_rates(table, "judge").equals(plain)  # there is none: words
    rows = pd.read_csv(table)
    judged = rows[rows["task"] == "refusals"].assign(filter="judge gpt", value=50.0)
    pd.concat([rows, judged]).to_csv(table, index=False)
    both = refusal_rates(table)
    assert both["by"].value_counts().to_dict() == {"words": 4, "judge gpt": 4}
    assert both[both["by"] == "words"].drop(columns="by").reset_index(drop=True).equals(plain)
    alone = refusal_rates(table, "judge")
    assert set(alone["by"]) == {"judge gpt"}
    assert set(alone["safe_declined"]) == set(alone["unsafe_declined"]) == {50.0}
    figure = draw_refusals(both, SETTINGS, ABOUT)
    axes = figure.axes[0]
    faces = [line.get_markerfacecolor() for line in axes.lines if line.get_marker() != "None"]
    assert faces.count("white") == len(faces) / 2 == 2
    plot_refusals(table, SETTINGS, ABOUT, out, "judge")
    assert list(pd.read_csv(out.with_suffix(".csv"))["by"]) == ["judge gpt"] * 4


def test_without_a_pair_it_says_so(tmp_path: Path) -> None:
    out = tmp_path / "figure.pdf"
    plot_refusals(table4(tmp_path, UNSAFE), SETTINGS, ABOUT, out)
    assert pd.read_csv(out.with_suffix(".csv")).empty


def test_other_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "table3.csv"
    with pytest.raises(UserError, match=r"table3\.csv: no such file"):
        plot_refusals(path, SETTINGS, ABOUT, tmp_path / "figure.pdf")
    path.write_text("dataset,method\n")
    with pytest.raises(UserError, match=r"no column 'benchmark'; is this table4\.csv\?"):
        plot_refusals(path, SETTINGS, ABOUT, tmp_path / "figure.pdf")


def test_the_command_of_the_rule(tmp_path: Path) -> None:
    chosen = json.dumps({"model": "m", "note": "n", "methods": [], "statistics": {}})
    given = [f"--settings={chosen}", f"--table4={table4(tmp_path)}", f"--out={tmp_path / 'f.pdf'}"]
    done_here(["plot", "refusals", *given])
    assert (tmp_path / "f.pdf").stat().st_size
