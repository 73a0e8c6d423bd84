"""AlpacaEval's numbers: against alpaca_eval 0.6.6, and against its published leaderboard.

RECORDED is what alpaca_eval 0.6.6 (scikit-learn 1.9.1, pandas 3.1.1) prints of the annotations in
tests/alpaca_annotations.py. Its fit stops at a tolerance of 1e-4, ours at the optimum. Where two
strengths predict the folds nearly alike, that decides which is taken, and moves the win rate by up
to a tenth of a point.

The leaderboard's part asks for a folder `alpaca_eval` in ASFT_TEST_DATA, with no text in it:

models.csv.gz    model, index, preference, length, baseline_length: of results/*/annotations.json
gamed.csv.gz     as df_gamed.csv
leaderboard.csv  upstream's columns, and `strength`: the C that its published weights imply
"""

import csv
import gzip
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from alpaca_annotations import Rows, annotated, difficulties, gamed_rows

from asft.metrics.length_controlled import (
    GamedBaselines,
    Preferences,
    length_controlled_win_rate,
    plain_win_rate,
)

DATA = Path(os.environ.get("ASFT_TEST_DATA", Path(__file__).parents[3] / "shared/data"))
FOLDER = DATA / "alpaca_eval"


def gaps() -> Rows:
    """Three instructions without a preference, and a tie as older annotations write it, 0."""
    rows = annotated(4, 0.5)
    for number, preference in ((3, None), (17, None), (40, None), (5, 0)):
        rows[number]["preference"] = preference
    return rows


def missing_rows() -> Rows:
    """From row 10 on, each has the difficulty of the instruction three places before."""
    rows = annotated(5, -1)
    return rows[:10] + rows[13:]


# win_rate, standard_error, n_wins, n_wins_base, n_draws, n_total, discrete_win_rate,
# length_controlled_winrate, lc_standard_error; the place of the C that was chosen
RECORDED: list[tuple[Rows, tuple[float, ...], float]] = [
    (annotated(1, -2.0), (27.012707, 3.037175, 9, 44, 7, 60, 20.833333, 25.183134, 1.265365), 8),
    (annotated(2, 0), (51.221157, 3.63461, 24, 29, 7, 60, 45.833333, 51.708159, 1.857059), 5),
    (annotated(3, 1.5), (76.742937, 2.716579, 48, 5, 7, 60, 85.833333, 75.587788, 1.206952), 9),
    (gaps(), (58.054567, 3.258925, 32, 18, 7, 57, 62.280702, 55.934168, 1.579493), 6),
    (missing_rows(), (39.070039, 2.838888, 14, 36, 7, 57, 30.701754, 38.225309, 0.739907), 6),
]
STRENGTHS = np.logspace(-4, 4, 10)


def of_rows(rows: Rows) -> Preferences:
    preferences = [row["preference"] for row in rows]
    found = [math.nan if p is None else (p or 1.5) - 1 for p in preferences]
    lengths = [[float(len(row[key])) for row in rows] for key in ("output_2", "output_1")]
    return Preferences(np.array(found), *np.array(lengths))


def gamed_of(rows: list[dict[str, Any]]) -> GamedBaselines:
    columns = ("preference", "std_delta_len", "instruction_difficulty")
    return GamedBaselines(*(np.array([float(row[c]) for row in rows]) for c in columns))


@pytest.mark.parametrize(("rows", "expected", "place"), RECORDED)
def test_numbers_are_alpaca_eval_s(rows: Rows, expected: tuple[float, ...], place: int):
    found = of_rows(rows)
    plain = plain_win_rate(found.preference)
    assert tuple(plain) == pytest.approx(expected[:7], abs=1e-6)
    difficulty = np.array(difficulties()[: len(rows)])
    controlled = length_controlled_win_rate(found, difficulty, gamed_of(gamed_rows()))
    assert controlled.win_rate == pytest.approx(expected[7], abs=0.1)
    fitted = length_controlled_win_rate(found, difficulty, gamed_of(gamed_rows()), STRENGTHS[place])
    assert fitted.win_rate == pytest.approx(expected[7], abs=0.001)
    assert fitted.spread == pytest.approx(expected[8], abs=0.001)


def cells(name: str) -> list[dict[str, str]]:
    opener = gzip.open if name.endswith(".gz") else open
    with opener(FOLDER / name, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no {FOLDER} (set ASFT_TEST_DATA)")
def test_the_leaderboard():
    rows, gamed = cells("models.csv.gz"), gamed_of(cells("gamed.csv.gz"))
    for line in cells("leaderboard.csv"):
        own = [row for row in rows if row["model"] == line["model"]]
        columns = ("preference", "length", "baseline_length")
        found = Preferences(*(np.array([float(row[c]) for row in own]) for c in columns))
        counts = ("n_wins", "n_wins_base", "n_draws", "n_total")
        names = ("win_rate", "standard_error", *counts, "discrete_win_rate")
        expected = [float(line[name]) for name in names]
        assert tuple(plain_win_rate(found.preference)) == pytest.approx(expected, abs=1e-6)
        difficulty = gamed.difficulty[: len(own)]
        published = float(line["length_controlled_winrate"])
        fitted = length_controlled_win_rate(found, difficulty, gamed, float(line["strength"]))
        assert f"{fitted.win_rate:.1f}" == f"{published:.1f}", line["model"]
        assert length_controlled_win_rate(found, difficulty, gamed).win_rate == pytest.approx(
            published, abs=0.2
        )
