"""Which trials go on, and how those that do not stand in what is chosen."""

import csv
import json
from pathlib import Path

from asft.tables.choose import choose_settings
from asft.tables.halve import halve_trials
from asft.tables.search_table import Choice, make_search_table
from asft.tables.trials import TrialScores

POINTS = {
    f"m_trial{number}": {"beta": beta, "learning_rate": 1e-5}
    for number, beta in enumerate((0.1, 0.8, 0.2, 0.4, 0.3), 1)
}


def settings(**more):
    return json.dumps(
        {
            "method": "m",
            "select": {"benchmark": None, "metric": "accuracy"},
            "trials": POINTS,
            "learning_rates": {name: point["learning_rate"] for name, point in POINTS.items()},
            "statistics": {"confidence": 0.95},
        }
        | more
    )


def scores(folder: Path, right: dict[str, int]) -> list[TrialScores]:
    """Trials that prefer so many of 8 pairs."""
    files = []
    for name, count in right.items():
        rows = [f"p{n},{100 * (n < count)},{0.1 * n},0,0" for n in range(8)]
        path = folder / f"{name}.csv"
        path.write_text("\n".join(["pair_id,accuracy,margin,reward_accuracy,reward_margin", *rows]))
        files.append(TrialScores(name, 1, path))
    return files


def halved(folder: Path, right: dict[str, int], share: float):
    out = folder / f"{share}.json"
    halve_trials(settings(share=share), scores(folder, right), out)
    return out, json.loads(out.read_text())["goes_on"]


def test_the_larger_half_goes_on_and_of_equals_the_smaller_change(tmp_path):
    """Trials 2, 3 and 5 are equal: those nearer to the own beta of 0.1 go on."""
    counts = dict(zip(POINTS, (2, 5, 5, 8, 5), strict=True))
    _, going_on = halved(tmp_path, counts, 0.25)
    assert going_on == ["m_trial4", "m_trial3", "m_trial5"]


def test_the_stopped_stand_in_the_table_with_their_last_score(tmp_path):
    first, going_on = halved(tmp_path, dict(zip(POINTS, (2, 1, 5, 8, 6), strict=True)), 0.25)
    second, going_on = halved(tmp_path, dict(zip(going_on, (7, 6, 3), strict=True)), 0.5)
    assert going_on == ["m_trial4", "m_trial5"]
    out = tmp_path / "m.json"
    last = scores(tmp_path, dict(zip(going_on, (4, 7), strict=True)))
    choose_settings(settings(), last, out, [first, second])
    found = json.loads(out.read_text())
    assert found["chosen"] == "m_trial5"
    assert [trial["share"] for trial in found["trials"]] == [0.25, 0.25, 0.5, 1, 1]
    assert [trial["score"] for trial in found["trials"]] == [25, 12.5, 37.5, 50, 87.5]
    assert [trial["within"] for trial in found["trials"]] == [False] * 4 + [True]
    assert found["expected_best"] == []
    table = tmp_path / "search.csv"
    about = json.dumps({"model": "tiny", "note": "", "statistics": {}})
    make_search_table(about, [Choice("d", "m", out)], table)
    rows = list(csv.DictReader(table.open()))
    assert [row["share"] for row in rows] == ["0.2500", "0.2500", "0.5000", "1.0000", "1.0000"]
    text = table.with_suffix(".md").read_text()
    assert text.count("stopped after 25 %") == 2
    assert "best of" not in text.replace("the best of n are", "")
