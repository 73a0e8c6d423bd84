"""Two results folders compared: settings that differ, numbers that moved."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import ability_files
import pytest
import table3_scores
import yaml
from report_results import small, write_results

from asft.errors import UserError
from asft.report import compare_results
from asft.report.compare import changes


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compare") / "before"
    write_results(folder, small())
    return folder


@pytest.fixture
def after(results: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(results, tmp_path / "after"))


def moved(out: Path) -> dict[tuple[str, str, str], dict[str, str]]:
    with (out / "compare.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {(row["method"], row["benchmark"] + row["judge"], row["metric"]): row for row in rows}


def test_a_folder_and_itself(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    compare_results(results, results, tmp_path)
    said = capsys.readouterr().out
    assert "0 settings differ." in said
    assert "0 moved more than noise, 0 within it" in said
    assert {row["difference"] for row in moved(tmp_path).values()} == {"0.0"}
    assert {row["verdict"] for row in moved(tmp_path).values()} == {"not separable"}


def test_abilities_are_compared_too(
    results: Path, after: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = after / "runs/hh_rlhf/asft/seed42/scores/abilities/lm_eval.csv"
    ability_files.write(path, {("sums", "exact_match", "none"): [(1.0, 1.0)] * 6})
    compare_results(results, after, tmp_path / "out")
    assert "not compared" not in capsys.readouterr().out
    found = moved(tmp_path / "out")["asft", "abilitieslm_eval", "sums exact_match"]
    assert [float(found[key]) for key in ("before", "after", "n")] == pytest.approx(
        [100 / 3, 100, 6]
    )


def test_what_moved_and_what_was_set(
    results: Path, after: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run = after / "runs/hh_rlhf/asft/seed42"
    settings = yaml.safe_load((run / "settings.yaml").read_text())
    settings["hyperparameters"]["beta"] = 0.3
    (run / "settings.yaml").write_text(yaml.safe_dump(settings))
    for folder, level in ((results, 20.0), (after, 60.0)):
        path = folder / "runs/hh_rlhf/asft/seed42/scores/alpaca_en/references.csv"
        table3_scores.write(path, table3_scores.cells(level))
    compare_results(results, after, tmp_path / "out")
    said = capsys.readouterr().out
    assert "hyperparameters.beta: 0.1 -> 0.3 (runs/hh_rlhf/asft/seed42/settings.yaml)" in said
    assert "hh_rlhf/asft on alpaca_en, rouge1: " in said
    found = moved(tmp_path / "out")["asft", "alpaca_en", "rouge1"]
    assert found["verdict"] == "better"
    assert float(found["difference"]) == pytest.approx(40, abs=1.5)
    assert float(found["low"]) > 35
    page = (tmp_path / "out/index.html").read_text()
    assert "hyperparameters.beta" in page
    assert "on alpaca_en" in page
    assert (tmp_path / "out/settings.csv").read_text().count("hyperparameters.beta") == 1


def test_what_cannot_be_compared_is_said(
    results: Path, after: Path, capsys: pytest.CaptureFixture[str]
):
    shutil.rmtree(after / "runs/hh_rlhf/sft")
    path = after / "runs/base/scores/alpaca_en/references.csv"
    table3_scores.write(path, table3_scores.cells(20.0, n=3))
    compare_results(results, after)
    said = capsys.readouterr().out
    assert f"only in {results}: hh_rlhf/sft on alpaca_en" in said
    assert "not compared: base on alpaca_en: " in said


def test_no_results_folder(results: Path, tmp_path: Path):
    with pytest.raises(UserError, match=r"no scores in .*is this a results folder"):
        compare_results(results, tmp_path)


def test_settings_are_told_by_their_leaves(tmp_path: Path):
    for name, rate in (("a", 1e-4), ("b", 5e-5)):
        for seed in (1, 2):
            path = tmp_path / name / f"runs/d/dpo/seed{seed}/settings.yaml"
            path.parent.mkdir(parents=True)
            path.write_text(yaml.safe_dump({"training": {"learning_rate": rate, "epochs": 1}}))
        card = tmp_path / name / "models/m/card.json"
        card.parent.mkdir(parents=True)
        card.write_text(json.dumps({"source": {"hub": name}} if name == "a" else {}))
    found = changes(tmp_path / "a", tmp_path / "b")
    assert [(c.key, c.before, c.after, len(c.files)) for c in found] == [
        ("training.learning_rate", "0.0001", "5e-05", 2),
        ("source.hub", '"a"', "null", 1),
    ]


def test_by_the_command(results: Path):
    asft = Path(sys.executable).with_name("asft")
    words = [asft, "compare", results, results]
    assert "numbers compared" in subprocess.run(words, capture_output=True, text=True).stdout
