"""Figure 2(a) and the training curves: numbers, seeds, gaps, refusals."""

import numpy as np
import pandas as pd
import pytest
from figure_inputs import HEADER, histories, history

from asft.errors import UserError
from asft.figures.curves import plot_curves
from asft.figures.figure2a import plot_margins
from asft.figures.histories import MOST_POINTS, QUANTITIES, HistoryFile, over_seeds
from asft.figures.marks import About, mark_of

ABOUT = About("tiny", "A note.", ("sft", "asft", "orpo"))


def test_margins_of_one_seed_from_two_measurements(tmp_path):
    plot_margins(histories(tmp_path), "hh_rlhf", ABOUT, tmp_path / "figure2a.pdf")
    table = pd.read_csv(tmp_path / "figure2a.csv")
    assert list(table["method"]) == ["asft", "asft", "orpo", "orpo"]
    assert list(table["step"]) == [0, 4, 0, 4]
    assert list(table["margin"]) == [1.5, 2, 1.5, 2]
    assert list(table["margin_sum"]) == [6, 11, 6, 11]
    assert set(table["dataset"]) == {"hh_rlhf"}
    assert set(table["seeds"]) == {1}
    assert (tmp_path / "figure2a.png").stat().st_size > 10_000


def test_margins_of_several_seeds_have_bands(tmp_path):
    plot_margins(histories(tmp_path, (1, 2, 6)), "hh_rlhf", ABOUT, tmp_path / "figure2a.pdf")
    row = pd.read_csv(tmp_path / "figure2a.csv").iloc[0]
    assert [row["margin"], row["margin_low"], row["margin_high"]] == [3.5, 1.5, 6.5]
    assert row["seeds"] == 3


def test_two_renders_give_the_same_bytes(tmp_path):
    found = []
    for name in ("a", "b"):
        out = tmp_path / name / "figure2a.pdf"
        plot_margins(histories(tmp_path, (1, 2)), "hh_rlhf", ABOUT, out)
        found.append([out.with_suffix(end).read_bytes() for end in (".pdf", ".png", ".csv")])
    assert found[0] == found[1]


def test_curves_keep_the_gaps_of_sft(tmp_path):
    sft = HistoryFile("sft", 1, history(tmp_path / "sft.csv", rejected=False))
    plot_curves([sft, *histories(tmp_path)], "hh_rlhf", ABOUT, tmp_path / "figure.pdf")
    table = pd.read_csv(tmp_path / "figure.csv").set_index(["method", "split"])
    assert table.loc[("sft", "train"), "logp_rejected"].isna().all()
    assert table.loc[("sft", "train"), "loss"].notna().all()
    assert table.loc[("sft", "heldout"), "logp_rejected"].notna().all()
    assert table.loc[("asft", "heldout"), "grad_norm"].isna().all()


def test_a_legend_names_what_was_trained_before():
    about = About.of({"model": "m", "note": "", "methods": ["mine"], "starts": {"mine": ["sft"]}})
    assert mark_of("mine", about).label == "SFT → mine"
    assert mark_of("sft", about).label == "SFT"


def test_curves_without_held_out_pairs(tmp_path):
    plot_curves(histories(tmp_path, heldout=False), "hh_rlhf", ABOUT, tmp_path / "figure.pdf")
    assert set(pd.read_csv(tmp_path / "figure.csv")["split"]) == {"train"}


def test_long_runs_are_averaged_over_neighbouring_steps(tmp_path):
    long = HistoryFile("asft", 1, history(tmp_path / "long.csv", steps=5 * MOST_POINTS + 3))
    table = over_seeds([long], "train")
    assert len(table) <= MOST_POINTS
    first = pd.read_csv(long.path).query("split == 'train'").head(6)
    assert table["step"].iloc[0] == first["step"].mean()
    assert table["loss"].iloc[0] == pytest.approx(first["loss"].mean())
    plot_curves([long], "hh_rlhf", ABOUT, tmp_path / "figure.pdf")


def test_a_value_or_step_that_a_seed_lacks_is_no_mean(tmp_path):
    jobs = histories(tmp_path, (1, 2))
    rows = pd.read_csv(jobs[1].path)
    rows.loc[rows["step"] == 0, "margin"] = np.nan
    rows[rows["step"] != 4].to_csv(jobs[1].path, index=False)
    table = over_seeds(jobs[:2], "heldout")
    assert list(table["step"]) == [0]
    assert table["margin"].isna().all()
    assert table["margin_sum"].notna().all()


def test_a_loss_that_diverged_is_a_gap(tmp_path):
    path = history(tmp_path / "h.csv")
    path.write_text(path.read_text().replace("1,train,3.0,", "1,train,inf,"))
    table = over_seeds([HistoryFile("asft", 1, path)], "train")
    assert table["loss"].isna().sum() == 1


BROKEN = [
    ("", "not a history.csv"),
    ("step,split\n1,train\n", "no column 'pairs'"),
    (f"step,split,pairs,{','.join(QUANTITIES)}\n", "no rows"),
    (f"{HEADER}\n1,train,wrong,,,1,1,1,1,1,1,1,4,1,1\n", "column 'loss': not all cells"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_an_unusable_history_is_named_in_one_line(tmp_path, text, message):
    path = tmp_path / "history.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        over_seeds([HistoryFile("asft", 1, path)], "train")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_refusals(tmp_path):
    out = tmp_path / "figure.pdf"
    bare = HistoryFile("asft", 1, history(tmp_path / "bare.csv", heldout=False))
    with pytest.raises(UserError, match=r"bare.csv: no rows of split 'heldout'; set `heldout`"):
        plot_margins([bare], "hh_rlhf", ABOUT, out)
    with pytest.raises(UserError, match="asft with seed 1 is given twice"):
        plot_margins([bare, bare], "hh_rlhf", ABOUT, out)
    with pytest.raises(UserError, match="no histories given"):
        plot_margins([], "hh_rlhf", ABOUT, out)
    with pytest.raises(UserError, match=r"nowhere.csv: no such file"):
        plot_curves([HistoryFile("asft", 1, tmp_path / "nowhere.csv")], "x", ABOUT, out)
    assert not out.exists()
