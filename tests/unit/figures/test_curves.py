"""Figures 2(a) and 2(b) and the training curves: numbers, seeds, gaps, refusals."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_steps import done_here

from asft.errors import UserError
from asft.figures.cost import plot_cost
from asft.figures.curves import plot_curves, plot_margins
from asft.figures.histories import MOST_POINTS, QUANTITIES, HistoryFile, over_seeds
from asft.figures.plotting import About

ABOUT = About("tiny", "A note.", ("sft", "asft", "orpo"))
HEADER = (
    "step,split,loss,learning_rate,grad_norm,logp_chosen,logp_rejected,margin,"
    "logp_chosen_sum,logp_rejected_sum,margin_sum,accuracy,pairs,tokens,completion_tokens"
)


def history(
    path: Path, *, steps: int = 4, shift: float = 0.0, rejected: bool = True, heldout: bool = True
) -> Path:
    """A history.csv as asft.training.history writes it; without `rejected` as SFT's."""
    lines = [HEADER]
    if heldout:
        lines.append(f"0,heldout,2,,,-2,-2.5,{0.5 + shift},-20,-25,{5 + shift},0.5,8,900,800")
    for step in range(1, steps + 1):
        loss = 3 / step + shift
        if rejected:
            lines.append(f"{step},train,{loss},1e-5,1.5,-2,-2.5,0.5,-20,-25,5,0.75,4,450,400")
        else:
            lines.append(f"{step},train,{loss},1e-5,1.5,-2,,,-20,,,,4,250,200")
    if heldout:
        end = f"{steps},heldout,1,,,-1,-2,{1 + shift},-10,-20,{10 + shift},1,8,900,800"
        lines.append(end)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def files(tmp_path: Path, seeds: tuple[int, ...] = (1,), **more: int) -> list[HistoryFile]:
    return [
        HistoryFile(method, seed, history(tmp_path / method / f"{seed}.csv", shift=seed, **more))
        for method in ("asft", "orpo")
        for seed in seeds
    ]


def test_margins_of_one_seed_from_two_measurements(tmp_path):
    plot_margins(files(tmp_path), "hh_rlhf", ABOUT, tmp_path / "figure2a.pdf")
    table = pd.read_csv(tmp_path / "figure2a.csv")
    assert list(table["method"]) == ["asft", "asft", "orpo", "orpo"]
    assert list(table["step"]) == [0, 4, 0, 4]
    assert list(table["margin"]) == [1.5, 2, 1.5, 2]
    assert list(table["margin_sum"]) == [6, 11, 6, 11]
    assert set(table["dataset"]) == {"hh_rlhf"}
    assert set(table["seeds"]) == {1}
    assert (tmp_path / "figure2a.png").stat().st_size > 10_000


def test_margins_of_several_seeds_have_bands(tmp_path):
    plot_margins(files(tmp_path, (1, 2, 6)), "hh_rlhf", ABOUT, tmp_path / "figure2a.pdf")
    row = pd.read_csv(tmp_path / "figure2a.csv").iloc[0]
    assert [row["margin"], row["margin_low"], row["margin_high"]] == [3.5, 1.5, 6.5]
    assert row["seeds"] == 3


def test_two_renders_give_the_same_bytes(tmp_path):
    found = []
    for name in ("a", "b"):
        out = tmp_path / name / "figure2a.pdf"
        plot_margins(files(tmp_path, (1, 2)), "hh_rlhf", ABOUT, out)
        found.append([out.with_suffix(end).read_bytes() for end in (".pdf", ".png", ".csv")])
    assert found[0] == found[1]


def test_curves_keep_the_gaps_of_sft(tmp_path):
    sft = HistoryFile("sft", 1, history(tmp_path / "sft.csv", rejected=False))
    plot_curves([sft, *files(tmp_path)], "hh_rlhf", ABOUT, tmp_path / "figure.pdf")
    table = pd.read_csv(tmp_path / "figure.csv").set_index(["method", "split"])
    assert table.loc[("sft", "train"), "logp_rejected"].isna().all()
    assert table.loc[("sft", "train"), "loss"].notna().all()
    assert table.loc[("sft", "heldout"), "logp_rejected"].notna().all()
    assert table.loc[("asft", "heldout"), "grad_norm"].isna().all()


def test_curves_without_held_out_pairs(tmp_path):
    plot_curves(files(tmp_path, heldout=False), "hh_rlhf", ABOUT, tmp_path / "figure.pdf")
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
    jobs = files(tmp_path, (1, 2))
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


def settings(**more: object) -> str:
    """What the rules of all figures pass on."""
    return json.dumps({"model": "tiny", "note": "A\n note.", "methods": ["asft"]} | more)


def test_the_commands_of_the_rules(tmp_path):
    jobs = files(tmp_path, (1, 2))
    given = [f"--history={job.method},{job.seed}={job.path}" for job in jobs]
    for name in ("figure2a", "training"):
        out = tmp_path / f"{name}.pdf"
        arguments = [name, "--settings", settings(dataset="hh_rlhf"), *given, "--out", str(out)]
        done_here(["plot", *arguments])
        assert set(pd.read_csv(out.with_suffix(".csv"))["seeds"]) == {2}
    out = tmp_path / "figure2b.pdf"
    given = [f"--cost={path}" for path in measurements(tmp_path, repeats=1)]
    chosen = settings(dataset="hh_rlhf", gradient_checkpointing=False)
    arguments = ["figure2b", "--settings", chosen, *given, "--out", str(out)]
    done_here(["plot", *arguments])
    assert len(pd.read_csv(out.with_suffix(".csv"))) == 3


# Figure 2(b)

ARMS = {
    "dpo_online": (0.4, 0.0, 5_000_000_000),
    "dpo_cached": (0.3, 0.1, 4_000_000_000),
    "asft": (0.3, 0.0, 4_000_000_000),
}


def measurements(folder: Path, repeats: int = 3, **changes: object) -> list[Path]:
    paths = []
    for arm, (seconds, reference, memory) in ARMS.items():
        for repeat in range(1, repeats + 1):
            path = folder / arm / f"repeat{repeat}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            content = {
                "arm": arm,
                "repeat": repeat,
                "steps": 8,
                "pairs": 32,
                "seconds_per_pair": seconds * (1 + 0.1 * (repeat - 2)),
                "reference_seconds_per_pair": reference,
                "tokens_per_second": 500.0,
                "peak_memory_bytes": memory,
                "peak_memory_is": "peak resident set of the whole process",
                "parameters": 100_000_000,
                "precision": "float32",
                "device": "cpu",
                "threads": 2,
            }
            path.write_text(json.dumps(content | changes))
            paths.append(path)
    return paths


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
