"""Corpus BLEU against sacreBLEU's own arithmetic, intervals and p-values against known ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from scipy.stats import norm

from asft.config.experiment import Statistics
from asft.metrics import statistics
from asft.metrics.corpus import Values, corpus_bleu, mean
from asft.metrics.estimates import Estimate
from asft.metrics.statistics import (
    Difference,
    answered,
    compare_scores,
    corrected,
    outcome,
    paired_difference,
)

SETTINGS = Statistics()
COUNT = st.integers(0, 9)


def column(*values: float) -> Values:
    """One seed, a question a value: (1, n, 1)."""
    return np.array(values, dtype=float)[None, :, None]


def bleu_rows(n: int, seed: int, matched: float = 0.5) -> Values:
    random = np.random.default_rng(seed)
    total = random.integers(4, 40, (n, 1)) - np.arange(4)
    correct = random.binomial(total, matched)
    lengths = np.stack([total[:, 0], random.integers(4, 40, n)], -1)
    return np.hstack([correct, total, lengths]).astype(float)


def sacrebleu_score(sums: Values) -> float:
    numbers = [int(x) for x in sums]
    score = BLEU.compute_bleu(
        numbers[:4], numbers[4:8], numbers[8], numbers[9], smooth_method="exp"
    )
    return float(score.score)


def test_corpus_bleu_by_hand():
    """Matches 5/6, 3/5, 1/4 and none of 3 (so 1/2 of 3): (1/48)^(1/4); 6 words for 9: e^(1-9/6)."""
    row = np.array([[5, 3, 1, 0, 6, 5, 4, 3, 6, 6]], dtype=float)
    assert corpus_bleu(row) == pytest.approx(100 * (1 / 48) ** 0.25)
    row[0, 9] = 9
    assert corpus_bleu(row) == pytest.approx(100 * (1 / 48) ** 0.25 * np.exp(-0.5))


def test_corpus_bleu_sums_before_it_divides():
    rows = np.array([[4, 3, 2, 1, 4, 3, 2, 1, 4, 4], [0, 0, 0, 0, 4, 3, 2, 1, 4, 4]], dtype=float)
    assert corpus_bleu(rows) == pytest.approx(50)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.tuples(COUNT, COUNT), min_size=4, max_size=4), COUNT)
def test_corpus_bleu_is_sacrebleu_s(pairs: list[tuple[int, int]], reference: int):
    """Any counts: no match at all, orders without n-grams, empty system or reference."""
    matched, total = [min(pair) for pair in pairs], [max(pair) for pair in pairs]
    sums = np.array([*matched, *total, total[0], reference], dtype=float)
    assert corpus_bleu(sums[None]) == pytest.approx(sacrebleu_score(sums), rel=1e-12)


def test_corpus_bleu_of_many_resamples_is_each_one_s():
    rows = bleu_rows(20, seed=0)
    picks = np.random.default_rng(1).integers(0, 20, (50, 20))
    expected = [sacrebleu_score(rows[pick].sum(axis=0)) for pick in picks]
    np.testing.assert_allclose(corpus_bleu(rows[picks]), expected, rtol=1e-12)


def test_interval_covers_the_truth_as_often_as_it_says():
    draws = np.random.default_rng(0).normal(5, 2, (200, 1, 40, 1))
    quick = Statistics(confidence=0.9)
    found = [statistics.interval(values, mean, quick) for values in draws]
    coverage = np.mean([interval.low <= 5 <= interval.high for interval in found])
    assert 0.82 <= coverage <= 0.96
    width = np.mean([interval.high - interval.low for interval in found])
    assert width == pytest.approx(2 * 1.645 * 2 / np.sqrt(40), rel=0.1)


def test_more_confidence_is_wider():
    rows = bleu_rows(30, seed=2)
    narrow = statistics.interval(rows[None], corpus_bleu, Statistics(confidence=0.8))
    wide = statistics.interval(rows[None], corpus_bleu, Statistics(confidence=0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_constant_values_have_no_error():
    found = statistics.interval(column(7, 7, 7), mean, SETTINGS)
    assert found[:4] == (7, 7, 7, "constant")


def test_constant_scores_on_a_scale_do():
    found = statistics.interval(column(7, 7, 7), mean, SETTINGS, (1, 10))
    share = 0.025 ** (1 / 3)
    assert found[1:3] == pytest.approx((1 + 6 * share, 10 - 3 * share))


def test_one_question_has_no_interval():
    found = statistics.interval(column(7), mean, SETTINGS)
    assert found.value == 7
    assert np.isnan([found.low, found.high]).all()
    difference = paired_difference(column(7), column(4), mean, SETTINGS)
    assert difference.value == 3
    assert np.isnan([difference.low, difference.high, difference.p_value]).all()


def test_difference_is_paired():
    """A spread between questions of 30 points does not hide a difference of 1 within each."""
    random = np.random.default_rng(0)
    second = column(*random.normal(50, 30, 60))
    first = second + 1 + random.normal(0, 0.5, (1, 60, 1))
    found = paired_difference(first, second, mean, SETTINGS)
    assert 0.7 < found.low < found.value < found.high < 1.3
    assert found.p_value < 0.01
    reverse = paired_difference(second, first, mean, SETTINGS)
    assert reverse.value == pytest.approx(-found.value)
    shuffled = paired_difference(random.permutation(first, axis=1), second, mean, SETTINGS)
    assert shuffled.high - shuffled.low > 10


def test_bleu_difference():
    better, worse = bleu_rows(60, seed=0, matched=0.8), bleu_rows(60, seed=0, matched=0.4)
    found = paired_difference(better[None], worse[None], corpus_bleu, SETTINGS)
    expected = sacrebleu_score(better.sum(axis=0)) - sacrebleu_score(worse.sum(axis=0))
    assert found.value == pytest.approx(expected)
    assert 0 < found.low < found.value < found.high
    assert found.p_value < 0.01
    same = paired_difference(better[None], better[None], corpus_bleu, SETTINGS)
    assert (same.value, same.method, same.p_value) == (0, "constant", 1)
    assert np.isnan([same.low, same.high]).all()  # nothing says how large differences are


def test_unequal_shapes_are_refused():
    with pytest.raises(ValueError, match="not paired"):
        paired_difference(column(1, 2), column(1, 2, 3), mean, SETTINGS)


def test_one_seed_has_no_spread():
    assert np.isnan(statistics.interval(column(1, 2, 3), mean, SETTINGS).seed_sd)


def test_seeds_by_hand():
    """Every question alike, seeds 1, 2, 6: the t-interval of three numbers."""
    values = np.repeat([[1.0], [2.0], [6.0]], 10, axis=1)[..., None]
    found = statistics.interval(values, mean, SETTINGS)
    assert found.value == 3
    assert found.seed_sd == pytest.approx(np.sqrt(7))
    half = 4.302653 * np.sqrt(7 / 3)  # t(2 df), 97.5 %
    assert (found.low, found.high) == pytest.approx((3 - half, 3 + half))
    difference = paired_difference(values, values - 1, mean, SETTINGS)
    assert difference[:3] == (1, 1, 1)  # every seed, every question: one better
    assert (difference.seed_sd, difference.p_value) == (0, 2 / 2**10)


def test_equal_seeds_leave_the_questions():
    """Degrees of freedom are those of the questions."""
    half = np.random.default_rng(0).normal(size=15)
    one = np.concatenate([half, -half])[None, :, None]  # not skewed
    found = statistics.interval(np.repeat(one, 3, axis=0), mean, Statistics())
    assert found.seed_sd == pytest.approx(0, abs=1e-12)
    expected = 2.04523 * one.std(ddof=1) / np.sqrt(30)  # t(29 df)
    assert (found.high - found.low) / 2 == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("sd_seed", "sd_question"), [(0.3, 0.3), (0.5, 0.1), (0.02, 1.0)])
def test_seeds_and_questions_are_covered_as_often_as_promised(sd_seed: float, sd_question: float):
    """Three seeds, 40 questions; a bootstrap over questions alone misses by far."""
    random = np.random.default_rng(1)
    quick = Statistics(confidence=0.9)
    hit = []
    for _ in range(150):
        seeds = random.normal(0, sd_seed, (3, 1, 1))
        questions = random.normal(0, sd_question, (1, 40, 1))
        found = statistics.interval(
            seeds + questions + random.normal(0, 1, (3, 40, 1)), mean, quick
        )
        hit.append(found.low <= 0 <= found.high)
    assert 0.84 <= np.mean(hit) <= 0.99


def test_a_base_policy_of_one_seed_meets_methods_of_several():
    base = column(1, 2, 3, 4)
    method = np.concatenate([base + 1, base + 3])
    found = paired_difference(method, base, mean, SETTINGS)
    assert found.value == 2
    assert found.seed_sd == pytest.approx(np.sqrt(2))
    assert paired_difference(base, method, mean, SETTINGS).value == -2


def test_bleu_of_seeds_is_that_of_their_answers_together():
    rows = np.stack([bleu_rows(20, seed=0), bleu_rows(20, seed=1)])
    found = statistics.interval(rows, corpus_bleu, SETTINGS)
    assert found.value == pytest.approx(sacrebleu_score(rows.sum(axis=(0, 1))))


def of(value: float, error: float) -> Difference:
    """A difference whose t statistic is value / error, of very many questions."""
    one = Estimate(value, error, 1e9, 0.0, np.nan, 10**9, None)
    bounds = one.symmetric(SETTINGS.confidence)
    return Difference(value, *bounds, "questions", np.nan, one.p_value(), one)


def p_of(p_value: float) -> Difference:
    return of(float(norm.isf(p_value / 2)), 1.0)


@pytest.mark.parametrize(
    ("value", "word"), [(2, "better"), (-2, "worse"), (1.9, "not separable"), (np.nan,) * 2]
)
def test_the_word_goes_by_the_interval(value: float, word: str):
    assert outcome(of(value, 1.0)) == (word if value == value else "not separable")


def test_holm_by_hand():
    """Five of them: 0.005 * 5; 0.011 * 4; 0.02 * 3; 0.04 * 2 and 0.3 as they must not fall."""
    family = [p_of(p) for p in (0.02, 0.005, 0.3, 0.04, 0.011)]
    found = corrected(family, SETTINGS)
    holm = [each.p_holm for each in found]
    assert holm == pytest.approx([0.06, 0.025, 0.3, 0.08, 0.044])
    # Bonferroni's 0.011 * 5 is over 0.05: the second is found by Holm's second step alone.
    words = ["not separable", "better", "not separable", "not separable", "better by steps"]
    assert [each.outcome for each in found] == words
    half = norm.isf(0.005)
    assert found[0].high - found[0].low == pytest.approx(2 * half)
    assert {each.compared for each in found} == {5}
    assert corrected([], SETTINGS) == []


def test_a_comparison_alone_needs_no_correction():
    one = p_of(0.03)
    found = corrected([one], SETTINGS)[0]
    assert (found.p_holm, found.low, found.outcome) == pytest.approx((0.03, one.low, "better"))


@pytest.mark.parametrize("effects", [(0, 0, 0, 0), (0, 0, 0.6, 0.6), (0, 0.3, 1.0, 0.0)])
def test_family_wise_error(effects: tuple[float, ...]):
    """2,000 experiments, 20 questions, four methods against a baseline, outcomes like games'."""
    random = np.random.default_rng(5)
    wrong, missed = 0, 0
    for _ in range(2000):
        base = random.choice([0.0, 0.5, 1.0], size=20)
        family = []
        for effect in effects:
            lucky = random.random(20) < effect
            method = np.where(lucky, 1.0, random.choice([0.0, 0.5, 1.0], size=20))
            family.append(paired_difference(column(*method), column(*base), mean, SETTINGS))
        found = corrected(family, SETTINGS)
        pairs = list(zip(found, effects, strict=True))
        wrong += any(("better" in f.outcome and not e) or "worse" in f.outcome for f, e in pairs)
        missed += any(not f.low <= e / 2 <= f.high for f, e in pairs)
    assert wrong / 2000 <= 0.05
    assert missed / 2000 <= 0.05


def test_answered_in_any_seed():
    sums = np.array([[[5.0, 1], [0, 0], [3, 1]], [[5, 1], [0, 0], [0, 0]]])
    assert answered(sums).tolist() == [True, False, True]


@pytest.mark.parametrize("seeds", [1, 3])
def test_compare_scores_is_the_paired_difference_of_means(seeds: int):
    first, second = np.random.default_rng(0).normal([[[3]], [[1]]], size=(2, seeds, 30))
    lists = [side[0].tolist() if seeds == 1 else side.tolist() for side in (first, second)]
    found, word = compare_scores(*lists, SETTINGS)
    assert word == "better"
    assert found[:4] == paired_difference(first[..., None], second[..., None], mean, SETTINGS)[:4]
    assert compare_scores(*lists, Statistics(confidence=0.5))[0].low > found.low
    assert compare_scores(*reversed(lists))[1] == "worse"


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([1, 2], [1, 2, 3], "not paired: 2 scores and 3"),
        ([], [], "not paired: 0 scores and 0"),
        ([1, np.nan], [1, 2], "leave that question out on both sides"),
        ([[1, 2]] * 2, [[1, 2]] * 3, "shape"),
    ],
)
def test_scores_that_cannot_be_compared(first, second, message: str):
    with pytest.raises(ValueError, match=message):
        compare_scores(first, second)
