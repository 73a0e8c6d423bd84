"""The figure of calibration, from lm-eval's samples."""

import json
import math
from pathlib import Path

import ability_files
import pandas as pd
import pytest
from figure_inputs import ABOUT, SETTINGS
from small_steps import done_here

from asft.errors import UserError
from asft.figures.calibration import plot_calibration
from asft.metrics.calibration import calibration_of, read_choices
from asft.tables import AbilityFile


def samples(path: Path, shift: int, count: int = 24) -> Path:
    rows = []
    for n in range(count):
        share = 0.52 + 0.4 * ((7 * n + shift) % 10) / 10
        right = (n + shift) % 3 != 0
        likelihoods = [math.log(share), math.log(1 - share)]
        rows.append(ability_files.choice("mc1", n, likelihoods[:: 1 if right else -1], right))
        rows.append(ability_files.sample("gsm", n, "words", right=right))
    return ability_files.write_samples(path, rows)


def files(folder: Path) -> list[AbilityFile]:
    runs = [("-", "base", 1), ("uf", "dpo", 1), ("uf", "dpo", 2), ("hh", "dpo", 1)]
    return [
        AbilityFile(*run, "abilities", samples(folder / f"{place}.jsonl", place))
        for place, run in enumerate(runs)
    ]


def test_a_line_a_method_in_a_panel_a_data_set(tmp_path: Path) -> None:
    made = files(tmp_path)
    out = tmp_path / "figure_calibration.pdf"
    plot_calibration(made, SETTINGS, ABOUT, out)
    table = pd.read_csv(out.with_suffix(".csv"))
    whole = table[table["kind"] == "all"].set_index(["trained_on", "method"])
    assert list(whole.index) == [("uf", "base"), ("hh", "base"), ("uf", "dpo"), ("hh", "dpo")]
    found = calibration_of([read_choices(file.path)["mc1"] for file in made[1:3]], SETTINGS)
    row = whole.loc[("uf", "dpo")]
    assert (row["seeds"], row["answers"]) == (2, 48)
    assert row["ece"] == pytest.approx(found.error, abs=1e-5)
    assert row["ece_by_chance"] == pytest.approx(found.by_chance, abs=1e-5)
    bins = table[
        (table["kind"] == "bin") & (table["trained_on"] == "uf") & (table["method"] == "dpo")
    ]
    assert bins["answers"].tolist() == [each.answers for each in found.bins]
    assert bins["high"].tolist() == pytest.approx(
        [each.accuracy.high for each in found.bins], abs=1e-5
    )
    first = {path: path.read_bytes() for path in tmp_path.glob("figure*")}
    plot_calibration(made, SETTINGS, ABOUT, out)
    assert {path: path.read_bytes() for path in first} == first


def test_without_numbers_it_says_so(tmp_path: Path) -> None:
    row = ability_files.choice("mc1", 0, [float("nan")] * 2, 1.0)
    lost = AbilityFile("uf", "dpo", 1, "abilities", tmp_path / "lost.jsonl")
    ability_files.write_samples(lost.path, [row])
    out = tmp_path / "figure.pdf"
    plot_calibration([lost], SETTINGS, ABOUT, out)
    (row,) = pd.read_csv(out.with_suffix(".csv")).to_dict("records")
    assert (row["kind"], row["answers"]) == ("all", 0)
    ability_files.write_samples(lost.path, [ability_files.sample("gsm", 0, "5", right=True)])
    plot_calibration([lost], SETTINGS, ABOUT, out)
    assert pd.read_csv(out.with_suffix(".csv")).empty


def test_seeds_of_other_questions_are_refused(tmp_path: Path) -> None:
    made = files(tmp_path)[1:3]
    samples(made[1].path, 2, count=23)
    with pytest.raises(UserError, match=r"2\.jsonl and .*1\.jsonl: seeds of other questions"):
        plot_calibration(made, SETTINGS, ABOUT, tmp_path / "figure.pdf")


def test_the_command_of_the_rule(tmp_path: Path) -> None:
    chosen = {"model": "m", "note": "n", "methods": [], "statistics": {}}
    made = files(tmp_path)[1:3]
    given = [f"--samples={','.join(map(str, file[:4]))}={file.path}" for file in made]
    out = tmp_path / "f.pdf"
    done_here(["plot", "calibration", "--settings", json.dumps(chosen), *given, "--out", str(out)])
    assert out.stat().st_size
