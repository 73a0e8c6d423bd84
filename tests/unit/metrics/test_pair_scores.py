"""What a policy prefers of pairs, from log-probabilities worked by hand."""

from pathlib import Path

import pyarrow as pa
import pytest

from asft.errors import UserError
from asft.metrics.pair_scores import SIDES, read_pair_scores, score_pairs, stacked
from asft.parquet import write_parquet

POLICY = {
    "p": (-10.0, 5, -12.0, 4),  # -2 and -3 a token
    "q": (-30.0, 10, -4.0, 2),  # -3 and -2
    "r": (-6.0, 3, -8.0, 4),  # -2 and -2: prefers none
}
REFERENCE = {
    "p": (-9.0, 5, -13.0, 4),  # the chosen completion lost 1, the rejected one gained 1
    "q": (-35.0, 10, -4.5, 2),  # gained 5, and 0.5
    "r": (-6.0, 3, -8.0, 4),
    "s": (-1.0, 1, -1.0, 1),
}


def logps(path: Path, rows: dict[str, tuple[float, ...]]) -> Path:
    columns = dict(zip(SIDES, map(list, zip(*rows.values(), strict=True)), strict=True))
    write_parquet(path, pa.table({"id": list(rows), **columns}))
    return path


def scored(folder: Path, policy=POLICY, reference=REFERENCE):
    out = folder / "pairs.csv"
    files = logps(folder / "own.parquet", policy), logps(folder / "start.parquet", reference)
    score_pairs(*files, out)
    return read_pair_scores(out)


def test_values_by_hand(tmp_path):
    found = scored(tmp_path)
    assert found.pair_ids == ["p", "q", "r"]
    assert {name: list(values) for name, values in found.columns.items()} == {
        "accuracy": [100, 0, 50],
        "margin": [1, -1, 0],
        "reward_accuracy": [0, 100, 50],
        "reward_margin": [-2, 4.5, 0],
    }


def test_seeds_are_stacked_over_the_same_pairs(tmp_path):
    found = scored(tmp_path)
    values = stacked({"m": [found, found]}, "margin")
    assert values["m"].tolist() == [[[1], [-1], [0]]] * 2
    other = found._replace(pair_ids=["p", "r", "q"])
    for methods in ({"m": [found, other]}, {"m": [found], "n": [other]}):
        with pytest.raises(UserError, match=r"pairs\.csv: other pairs, or another order"):
            stacked(methods, "margin")


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (POLICY | {"t": (-1.0, 1, -1.0, 1)}, r"start\.parquet: no pair 't'"),
        ({"p": (-10.0, 6, -12.0, 4)}, "pair 'p': completions of other lengths in"),
    ],
)
def test_other_data_is_refused(tmp_path, policy, message):
    with pytest.raises(UserError, match=message):
        scored(tmp_path, policy)


def test_a_pair_of_one_completion_is_refused(tmp_path):
    single = {"p": (-10.0, 5, 0.0, 0)}
    with pytest.raises(UserError, match="pair 'p'"):
        scored(tmp_path, single, single)


def test_another_file_is_refused(tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("pair_id,accuracy\np,1\n")
    with pytest.raises(UserError, match="no column 'margin'; is this a file of score-pairs"):
        read_pair_scores(other)
    other.write_text("pair_id,accuracy,margin,reward_accuracy,reward_margin\np,1,nan,1,1\n")
    with pytest.raises(UserError, match="row 1, margin: expected a number, found 'nan'"):
        read_pair_scores(other)
