"""What is chosen among trials, and the table of them."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import table2_scores
import table3_scores

from asft.errors import UserError
from asft.tables.choose import choose_settings, expected_best
from asft.tables.search_table import Choice, make_search_table
from asft.tables.trials import TrialScores

POINTS = {
    "m_trial1": {"beta": 0.1, "learning_rate": 1e-4},
    "m_trial2": {"beta": 0.4, "learning_rate": 1e-5},
    "m_trial3": {"beta": 0.2, "learning_rate": 1e-5},
    "m_trial4": {"beta": 0.1, "learning_rate": 1e-6},
}


def settings(metric="rougeL", points=None, benchmark="b"):
    points = points or POINTS
    return json.dumps(
        {
            "method": "m",
            "select": {"benchmark": benchmark, "metric": metric},
            "trials": points,
            "learning_rates": {name: point["learning_rate"] for name, point in points.items()},
            "statistics": {"confidence": 0.95},
        }
    )


def scores(folder: Path, levels: dict[str, float], seeds=(1, 2)) -> list[TrialScores]:
    """Trials of one level are the same answers; others lie so far apart that none is within."""
    return [
        TrialScores(name, seed, table3_scores.write(folder / f"{name}.{seed}", rows))
        for name, level in levels.items()
        for seed in seeds
        for rows in [table3_scores.cells(level, seed)]
    ]


def chosen(folder: Path, levels: dict[str, float]):
    out = folder / "search" / "m.json"
    choose_settings(settings(), scores(folder, levels), out)
    return json.loads(out.read_text())


def test_of_tied_trials_the_smallest_change(tmp_path):
    """Trials 1 to 3 are the best; 2 and 3 have the smaller rate, 3 is nearer to the own beta."""
    found = chosen(tmp_path, dict(zip(POINTS, (50.0, 50.0, 50.0, 20.0), strict=True)))
    assert found["chosen"] == "m_trial3"
    assert (found["hyperparameters"], found["training"]) == (
        {"beta": 0.2},
        {"learning_rate": 1e-5},
    )
    assert [trial["within"] for trial in found["trials"]] == [True, True, True, False]
    assert [trial["own"] for trial in found["trials"]] == [True, False, False, False]
    assert (found["n"], found["seeds"]) == (table3_scores.N, [1, 2])


def test_a_best_beyond_its_error_wins_whatever_it_changes(tmp_path):
    found = chosen(tmp_path, dict(zip(POINTS, (60.0, 20.0, 30.0, 40.0), strict=True)))
    assert found["chosen"] == "m_trial1"
    behind = [trial["behind"] for trial in found["trials"]]
    assert behind == pytest.approx([0, 40, 30, 20], abs=1)


def test_one_standard_error_is_the_paired_one(tmp_path):
    """A question is 5 behind or 3 ahead, so 1 in the mean of 12; the error is 1.2, or 0.6."""
    for spread, within in ((4.0, True), (2.0, False)):
        folder = tmp_path / str(spread)
        folder.mkdir()
        rows = table3_scores.cells(40, 0)
        better = [
            row | {"rougeL": row["rougeL"] + 1 + spread * (-1) ** place}
            for place, row in enumerate(rows)
        ]
        files = [
            TrialScores("m_trial1", 1, table3_scores.write(folder / "1", better)),
            TrialScores("m_trial2", 1, table3_scores.write(folder / "2", rows)),
        ]
        error = spread * np.sqrt(12 / 11 / 12)
        assert (error >= 1) == within
        out = folder / "m.json"
        two = {name: POINTS[name] for name in ("m_trial1", "m_trial2")}
        choose_settings(settings(points=two), files, out)
        assert json.loads(out.read_text())["chosen"] == ("m_trial2" if within else "m_trial1")


def test_a_judge_s_score_selects(tmp_path):
    shares = {"m_trial1": 0.2, "m_trial2": 0.9, "m_trial3": 0.2, "m_trial4": 0.2}
    files = [
        TrialScores(name, 1, table2_scores.job(tmp_path, name, 1, "arena", "j", games)[-1])
        for place, (name, share) in enumerate(shares.items())
        for games in [table2_scores.games(share, place)]
    ]
    choose_settings(settings(metric="j"), files, tmp_path / "m.json")
    found = json.loads((tmp_path / "m.json").read_text())
    assert found["chosen"] == "m_trial2"
    assert found["trials"][1]["score"] > 60


def test_held_out_pairs_select(tmp_path):
    """Of 8 pairs trials prefer 8, 2, 7 and 7: the best is a pair ahead, within its error."""
    files = []
    for name, right in zip(POINTS, (8, 2, 7, 7), strict=True):
        rows = [f"p{n},{100 * (n < right)},{0.1 * n},0,0" for n in range(8)]
        path = tmp_path / f"{name}.csv"
        path.write_text("\n".join(["pair_id,accuracy,margin,reward_accuracy,reward_margin", *rows]))
        files.append(TrialScores(name, 1, path))
    choose_settings(settings("accuracy", benchmark=None), files, tmp_path / "m.json")
    found = json.loads((tmp_path / "m.json").read_text())
    assert [trial["score"] for trial in found["trials"]] == [100, 25, 87.5, 87.5]
    assert [trial["within"] for trial in found["trials"]] == [True, False, True, True]
    assert (found["chosen"], found["n"]) == ("m_trial4", 8)
    out = tmp_path / "search.csv"
    about = json.dumps({"model": "tiny", "note": "", "statistics": {}})
    make_search_table(about, [Choice("d", "m", tmp_path / "m.json")], out)
    assert "by accuracy on the 8 held-out pairs, which no" in out.with_suffix(".md").read_text()


def test_trials_of_other_questions_are_refused(tmp_path):
    files = scores(tmp_path, dict.fromkeys(POINTS, 40.0))
    table3_scores.write(files[0].path, table3_scores.cells(40, n=5))
    with pytest.raises(UserError, match="question"):
        choose_settings(settings(), files, tmp_path / "m.json")


def test_the_expected_best_by_hand():
    """Of 1, 2 and 6, two draws: 1 with 1/9, 2 with 3/9, 6 with 5/9."""
    found = expected_best([6.0, 1.0, 2.0])
    assert found[:2] == pytest.approx([3, (1 + 2 * 3 + 6 * 5) / 9])
    draws = np.random.default_rng(0).choice([6.0, 1.0, 2.0], (20_000, 3)).max(axis=1)
    assert found[2] == pytest.approx(draws.mean(), abs=0.05)


def test_the_table(tmp_path):
    chosen(tmp_path, dict(zip(POINTS, (50.0, 50.0, 50.0, 20.0), strict=True)))
    about = json.dumps({"model": "tiny", "note": "small;\n data", "statistics": {}})
    out = tmp_path / "search.csv"
    make_search_table(about, [Choice("d", "m", tmp_path / "search/m.json")], out)
    rows = list(csv.DictReader(out.open()))
    assert [row["learning_rate"] for row in rows] == ["0.0001", "1e-05", "1e-05", "1e-06"]
    assert [row["chosen"] for row in rows] == ["False", "False", "True", "False"]
    text = out.with_suffix(".md").read_text()
    assert text.startswith("# Settings that were tried: tiny. small; data\n\n4 trials of each")
    assert "rougeL on the 12 questions of b, which no table asks" in text
    lines = [line for line in text.splitlines() if line.startswith("| d ")]
    assert [line.split("|")[-2].strip() for line in lines[:4]] == ["own", "", "chosen", ""]
    assert "best of 4" in text
