"""Figure 2(b): medians, what they are expected to be, and measurements that cannot be used."""

import pandas as pd
import pytest
from figure_inputs import ABOUT, measurements

from asft.errors import UserError
from asft.figures.cost import costs, read_measurements
from asft.figures.figure2b import draw_costs, plot_cost


def test_cost_has_medians_and_the_expectation(tmp_path):
    out = tmp_path / "figure2b.pdf"
    plot_cost(measurements(tmp_path), "ultrafeedback", False, ABOUT, out)
    table = pd.read_csv(out.with_suffix(".csv")).groupby("arm").first()
    assert table.loc["asft", "median_seconds_per_pair"] == pytest.approx(0.3)
    # F is a third of ASFT's 0.3 s: 4F, 3F and F for the cache, 3F
    expected = table["expected_seconds_per_pair"]
    assert expected.to_dict() == pytest.approx({"asft": 0.3, "dpo_cached": 0.3, "dpo_online": 0.4})
    assert table.loc["dpo_cached", "expected_reference_seconds_per_pair"] == pytest.approx(0.1)
    # 16 bytes a parameter, and 4 for a reference
    memory = table["expected_memory_bytes"]
    assert memory.to_dict() == {"asft": 16e8, "dpo_cached": 16e8, "dpo_online": 20e8}
    paths = measurements(tmp_path / "bf16", repeats=1, precision="bfloat16")
    plot_cost(paths, "ultrafeedback", False, ABOUT, out)  # a reference in 2 bytes
    table = pd.read_csv(out.with_suffix(".csv")).set_index("arm")
    assert table.loc["dpo_online", "expected_memory_bytes"] == 18e8


def test_checkpointing_changes_the_expectation(tmp_path):
    out = tmp_path / "figure2b.pdf"
    plot_cost(measurements(tmp_path, repeats=1), "ultrafeedback", True, ABOUT, out)
    table = pd.read_csv(out.with_suffix(".csv")).set_index("arm")["expected_seconds_per_pair"]
    assert table["dpo_online"] / table["asft"] == pytest.approx(5 / 4)


def test_trls_arm_stands_beside_ours_and_nothing_is_expected_of_it(tmp_path):
    paths = measurements(tmp_path)
    for path in [path for path in paths if path.parent.name == "dpo_cached"]:
        theirs = tmp_path / "dpo_trl" / path.name
        theirs.parent.mkdir(exist_ok=True)
        theirs.write_text(path.read_text().replace("dpo_cached", "dpo_trl"))
        paths.append(theirs)
    numbers = costs(read_measurements(paths), checkpointing=False)
    assert list(numbers["arm"].unique()) == ["dpo_online", "dpo_cached", "dpo_trl", "asft"]
    by_arm = numbers.groupby("arm").first()
    assert by_arm["median_seconds_per_pair"]["dpo_trl"] == pytest.approx(0.3)
    expected = by_arm.filter(like="expected_")
    assert expected.loc["dpo_trl"].isna().all()
    assert expected.drop("dpo_trl").notna().all(axis=None)
    figure = draw_costs(numbers, "ultrafeedback", ABOUT)
    labels = [label.get_text().splitlines()[0] for label in figure.axes[0].get_xticklabels()]
    assert labels == ["DPO,", "DPO,", "DPO by TRL,", "ASFT"]


def test_unusable_measurements_are_named(tmp_path):
    out, paths = tmp_path / "figure2b.pdf", measurements(tmp_path)
    with pytest.raises(UserError, match="no measurement of arm 'dpo_cached'"):
        plot_cost([p for p in paths if "cached" not in str(p)], "x", False, ABOUT, out)
    measurements(tmp_path / "other", threads=8)
    with pytest.raises(UserError, match="threads is 8, but 2 in"):
        plot_cost([*paths, tmp_path / "other/asft/repeat1.json"], "x", False, ABOUT, out)
    paths[0].write_text('{"arm": "ppo"}')
    with pytest.raises(UserError, match=r"repeat1.json, key 'arm'"):
        plot_cost(paths, "x", False, ABOUT, out)
    paths[0].write_text("not json")
    with pytest.raises(UserError, match=r"repeat1.json"):
        plot_cost(paths, "x", False, ABOUT, out)
    with pytest.raises(UserError, match="no such file"):
        plot_cost([tmp_path / "nowhere.json"], "x", False, ABOUT, out)
