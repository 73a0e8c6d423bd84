"""Confidence against accuracy: bins and expected calibration error of lm-eval's choices."""

import math
from pathlib import Path

import ability_files
import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from asft.config import Statistics
from asft.errors import UserError
from asft.metrics.ability_scores import ratio
from asft.metrics.calibration import BINS, Choices, calibration_of, read_choices
from asft.metrics.statistics import interval

NAN = float("nan")


def choices(confidence: list[float], right: list[float]) -> Choices:
    names = [str(n) for n in range(len(right))]
    return Choices(names, np.array(confidence), np.array(right))


def logs(*shares: float) -> list[float]:
    return [math.log(share) - 7 for share in shares]  # softmax takes the 7 out


def test_confidence_is_the_softmax_of_the_likeliest_option(tmp_path: Path) -> None:
    rows = [
        ability_files.choice("mc1", 0, logs(0.5, 0.3, 0.2), 1.0),
        ability_files.choice("mc1", 1, logs(0.1, 0.9), 0.0),
        ability_files.choice("winogrande", 0, logs(0.25, 0.75), 1.0, target="words"),
        ability_files.sample("gsm", 0, "said", right=True),
    ]
    found = read_choices(ability_files.write_samples(tmp_path / "s.jsonl", rows))
    assert list(found) == ["mc1", "winogrande"]
    assert found["mc1"].confidence.tolist() == pytest.approx([0.5, 0.9])
    assert found["mc1"].right.tolist() == [1, 0]
    assert found["winogrande"].confidence.tolist() == pytest.approx([0.75])


def test_what_is_no_choice_of_one_option_is_left_out(tmp_path: Path) -> None:
    rows = [
        ability_files.choice("mc2", 0, logs(0.5, 0.5), 0.75),  # a share of probability
        ability_files.choice("own_rule", 0, logs(0.9, 0.1), 0.0),  # the target is the likeliest
        ability_files.choice("diverged", 0, [NAN, NAN], 1.0),
        ability_files.choice("impossible", 0, [-math.inf, -math.inf], 1.0),
    ]
    both = ability_files.choice("mutual", 0, [*logs(0.6, 0.4), *logs(0.1, 0.9)], 1.0)
    both["metrics"].append("acc_mutual_info")  # behind them, without the question
    found = read_choices(ability_files.write_samples(tmp_path / "s.jsonl", [*rows, both]))
    assert found.pop("mutual").confidence.tolist() == pytest.approx([0.6])
    assert found == {"diverged": None, "impossible": None}


def test_other_files_are_named(tmp_path: Path) -> None:
    path = ability_files.write_samples(tmp_path / "s.jsonl", [{"task": "mc1", "acc": 1.0}])
    with pytest.raises(UserError, match=r"s\.jsonl, row 1: no record of lm-eval \(KeyError"):
        read_choices(path)


def test_bins_and_error_by_hand() -> None:
    # An edge belongs to the bin below it: (0.4, 0.5] holds 0.5.
    found = calibration_of([choices([0.5, 0.45, 0.51, 0.95, 0.85], [1, 0, 0, 1, 1])], Statistics())
    assert [(each.low, each.high, each.answers) for each in found.bins] == [
        (pytest.approx(low), pytest.approx(low + 0.1), count)
        for low, count in ((0.4, 2), (0.5, 1), (0.8, 1), (0.9, 1))
    ]
    assert [each.confidence for each in found.bins] == pytest.approx([0.475, 0.51, 0.85, 0.95])
    assert [each.accuracy.value for each in found.bins] == [0.5, 0, 1, 1]
    assert found.error == pytest.approx((2 * 0.025 + 0.51 + 0.15 + 0.05) / 5)
    assert (found.answers, found.accuracy) == (5, 0.6)


def test_bins_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(1)
    confidence = random.beta(5, 2, 400)
    right = (random.random(400) < confidence**2).astype(float)
    found = calibration_of([choices(list(confidence), list(right))], Statistics())
    accuracy, mean = calibration_curve(right, confidence, n_bins=BINS, strategy="uniform")
    assert [each.accuracy.value for each in found.bins] == pytest.approx(list(accuracy))
    assert [each.confidence for each in found.bins] == pytest.approx(list(mean))
    counts = [each.answers for each in found.bins]
    weighted = np.average(np.abs(accuracy - mean), weights=counts)
    assert found.error == pytest.approx(weighted)


def test_seeds_are_pooled_and_their_intervals_are_the_tables() -> None:
    first = choices([0.55] * 6, [1, 1, 0, 1, 0, 1])
    second = choices([0.55] * 5 + [0.95], [1, 0, 0, 1, 1, 1])
    found = calibration_of([first, second], Statistics())
    assert [each.answers for each in found.bins] == [11, 1]
    sums = np.stack([np.stack([f.right, np.ones(6)], -1) for f in (first, second)])
    sums[1, 5] = 0
    expected = interval(sums, ratio, Statistics(), (0, 1))
    assert found.bins[0].accuracy == expected
    assert found.bins[0].accuracy.value == pytest.approx(7 / 11)
    with pytest.raises(ValueError, match="other questions"):
        calibration_of([first, choices([0.5], [1])], Statistics())


def test_of_a_calibrated_policy_the_error_is_chance_s() -> None:
    random = np.random.default_rng(2)
    confidence = random.uniform(0.3, 1, 60)
    found = [
        calibration_of(
            [choices(list(confidence), list((random.random(60) < confidence).astype(float)))],
            Statistics(),
        )
        for _ in range(60)
    ]
    assert len({each.by_chance for each in found}) == 1  # of the confidences alone
    assert np.mean([each.error for each in found]) == pytest.approx(found[0].by_chance, rel=0.1)
    assert found[0].by_chance > 0.08  # of so few answers
