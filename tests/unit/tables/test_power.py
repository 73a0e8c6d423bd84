"""What an experiment could have found, from its score files."""

import shutil
from pathlib import Path

import ability_files
import pytest
import table3_scores
from table2_scores import games, job

from asft.errors import UserError
from asft.tables.power import comparisons, print_power

GSM = ("gsm8k", "exact_match", "strict-match")


def results(folder: Path, seeds: tuple[int, ...]) -> Path:
    for method in ("dpo", "asft"):
        for seed in seeds:
            path = folder / f"runs/hh_rlhf/{method}/seed{seed}/scores/alpaca_en/references.csv"
            path.parent.mkdir(parents=True)
            level = 40 + 3 * seed if method == "asft" else 40
            table3_scores.write(path, table3_scores.cells(level, seed))
    for number, method in enumerate(("dpo", "asft", "control_null")):
        scores = job(folder / "made", method, 1, "arena_hard", "local", games(0.5, number))[-1]
        where = f"hh_rlhf/{method}/seed1" if number < 2 else method
        target = folder / "runs" / where / "scores/arena_hard/local.csv"
        target.parent.mkdir(parents=True)
        shutil.copyfile(scores, target)
    return folder


def test_every_pair_in_every_metric_that_is_drawn(tmp_path: Path):
    found = list(comparisons(results(tmp_path, (1,))))
    metrics = ["bleu4", "rougeL", "lf_bleu4", "lf_rougeL", "win rate, local"]
    assert [each.metric for each in found] == metrics
    assert {(each.first, each.second) for each in found} == {("asft", "dpo")}  # no control
    assert {each.questions for each in found} == {table3_scores.N, 24}
    assert all(each.spread.seeds != each.spread.seeds for each in found)


def test_abilities_are_compared_number_by_number(tmp_path: Path):
    where = "runs/{}/scores/abilities/lm_eval.csv"
    right, less = ([(float(n % k == 0), 1.0) for n in range(24)] for k in (3, 6))
    for name, sums in {"base": right, "hh_rlhf/dpo/seed1": less}.items():
        ability_files.write(tmp_path / where.format(name), {GSM: sums})
    (each,) = comparisons(tmp_path)
    assert (each.first, each.second, each.questions) == ("base", "dpo", 24)
    assert each.metric == "gsm8k exact_match (strict-match)"
    # 4 of 24 differ by 100 per cent: their standard deviation, with n - 1.
    assert each.spread.questions == pytest.approx(100 * ((4 / 24) * (20 / 24) * 24 / 23) ** 0.5)


def test_where_nothing_differs_nothing_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for name in ("base", "hh_rlhf/dpo/seed1"):
        path = tmp_path / f"runs/{name}/scores/abilities/lm_eval.csv"
        ability_files.write(path, {GSM: [(1.0, 1.0)] * 24})
    print_power(tmp_path)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "gsm8k" in line]
    assert [cell.strip() for cell in line.split("|")[-3:-1]] == ["—", "—"]


def test_with_seeds_their_spread_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = results(tmp_path, (1, 2, 3))
    rouge = next(each for each in comparisons(folder) if each.metric == "rougeL")
    assert rouge.seeds == 3
    assert rouge.spread.seeds == pytest.approx(3, abs=1)
    print_power(folder, difference=1)
    lines = [line for line in capsys.readouterr().out.splitlines() if "rougeL" in line]
    assert lines[0].rstrip(" |").endswith("—")  # seeds differ by three points
    print_power(folder, difference=20)
    lines = [line for line in capsys.readouterr().out.splitlines() if "rougeL" in line]
    assert lines[0].split("|")[-2].strip().isdigit()


def test_nothing_to_compare(tmp_path: Path):
    with pytest.raises(UserError, match="no scores of two methods"):
        print_power(tmp_path)
