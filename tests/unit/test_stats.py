"""Corpus BLEU against sacreBLEU's own arithmetic, intervals and p-values against known ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from scipy.stats import bootstrap

from asft import stats
from asft.config import Statistics

SETTINGS = Statistics(resamples=500, seed=3)
COUNT = st.integers(0, 9)


def column(*values: float) -> stats.Values:
    return np.array(values, dtype=float)[:, None]


def bleu_rows(n: int, seed: int, matched: float = 0.5) -> stats.Values:
    random = np.random.default_rng(seed)
    total = random.integers(4, 40, (n, 1)) - np.arange(4)
    correct = random.binomial(total, matched)
    lengths = np.stack([total[:, 0], random.integers(4, 40, n)], -1)
    return np.hstack([correct, total, lengths]).astype(float)


def sacrebleu_score(sums: stats.Values) -> float:
    numbers = [int(x) for x in sums]
    score = BLEU.compute_bleu(
        numbers[:4], numbers[4:8], numbers[8], numbers[9], smooth_method="exp"
    )
    return float(score.score)


def test_corpus_bleu_by_hand():
    """Matches 5/6, 3/5, 1/4 and none of 3 (so 1/2 of 3): (1/48)^(1/4); 6 words for 9: e^(1-9/6)."""
    row = np.array([[5, 3, 1, 0, 6, 5, 4, 3, 6, 6]], dtype=float)
    assert stats.corpus_bleu(row) == pytest.approx(100 * (1 / 48) ** 0.25)
    row[0, 9] = 9
    assert stats.corpus_bleu(row) == pytest.approx(100 * (1 / 48) ** 0.25 * np.exp(-0.5))


def test_corpus_bleu_sums_before_it_divides():
    rows = np.array([[4, 3, 2, 1, 4, 3, 2, 1, 4, 4], [0, 0, 0, 0, 4, 3, 2, 1, 4, 4]], dtype=float)
    assert stats.corpus_bleu(rows) == pytest.approx(50)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.tuples(COUNT, COUNT), min_size=4, max_size=4), COUNT)
def test_corpus_bleu_is_sacrebleu_s(pairs: list[tuple[int, int]], reference: int):
    """Any counts: no match at all, orders without n-grams, empty system or reference."""
    matched, total = [min(pair) for pair in pairs], [max(pair) for pair in pairs]
    sums = np.array([*matched, *total, total[0], reference], dtype=float)
    assert stats.corpus_bleu(sums[None]) == pytest.approx(sacrebleu_score(sums), rel=1e-12)


def test_corpus_bleu_of_many_resamples_is_each_one_s():
    rows = bleu_rows(20, seed=0)
    picks = np.random.default_rng(1).integers(0, 20, (50, 20))
    expected = [sacrebleu_score(rows[pick].sum(axis=0)) for pick in picks]
    np.testing.assert_allclose(stats.corpus_bleu(rows[picks]), expected, rtol=1e-12)


def test_interval_covers_the_truth_as_often_as_it_says():
    draws = np.random.default_rng(0).normal(5, 2, (200, 40, 1))
    quick = Statistics(confidence=0.9, resamples=200)
    found = [stats.interval(values, stats.mean, quick) for values in draws]
    coverage = np.mean([interval.low <= 5 <= interval.high for interval in found])
    assert 0.82 <= coverage <= 0.96
    width = np.mean([interval.high - interval.low for interval in found])
    assert width == pytest.approx(2 * 1.645 * 2 / np.sqrt(40), rel=0.1)


@pytest.mark.parametrize("aggregate", [stats.mean, stats.corpus_bleu])
def test_interval_is_reproducible_and_follows_the_seed(aggregate: stats.Aggregate):
    rows = bleu_rows(30, seed=2)
    first = stats.interval(rows, aggregate, SETTINGS)
    assert first == stats.interval(rows, aggregate, SETTINGS)
    assert first != stats.interval(rows, aggregate, Statistics(resamples=500, seed=4))
    assert first.low < first.value < first.high
    assert first.method == "BCa"


def test_interval_of_a_mean_is_scipy_s_bca():
    """On skewed data, where BCa and percentile differ."""
    values = np.random.default_rng(0).exponential(size=30)
    options = {"n_resamples": 500, "vectorized": True}
    bca, percentile = (
        bootstrap((values,), np.mean, method=method, rng=np.random.default_rng(3), **options)
        for method in ("BCa", "percentile")
    )
    found = stats.interval(values[:, None], stats.mean, SETTINGS)
    assert (found.low, found.high) == pytest.approx(bca.confidence_interval)
    assert found.high != pytest.approx(percentile.confidence_interval.high, rel=1e-3)


def test_more_confidence_is_wider():
    rows = bleu_rows(30, seed=2)
    narrow = stats.interval(rows, stats.corpus_bleu, Statistics(confidence=0.8))
    wide = stats.interval(rows, stats.corpus_bleu, Statistics(confidence=0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_memory_batches_do_not_change_the_resamples(monkeypatch: pytest.MonkeyPatch):
    rows = bleu_rows(30, seed=2)
    whole = stats.interval(rows, stats.corpus_bleu, SETTINGS)
    monkeypatch.setattr(stats, "NUMBERS_PER_BATCH", 30 * 10 * 7)
    assert stats.interval(rows, stats.corpus_bleu, SETTINGS) == pytest.approx(whole)


def test_constant_values_fall_back_to_percentile():
    found = stats.interval(column(7, 7, 7), stats.mean, SETTINGS)
    assert found == (7, 7, 7, "percentile")


def test_one_question_has_no_interval():
    found = stats.interval(column(7), stats.mean, SETTINGS)
    assert found.value == 7
    assert np.isnan([found.low, found.high]).all()
    difference = stats.paired_difference(column(7), column(4), stats.mean, SETTINGS)
    assert difference.value == 3
    assert np.isnan([difference.low, difference.high, difference.p_value]).all()


def test_p_value_by_hand():
    """5 differences of one sign: 2 of the 2^5 swaps are as extreme, the identity and all five."""
    first, second = column(1, 2, 3, 4, 5), column(0, 0, 0, 0, 0)
    found = stats.paired_difference(first, second, stats.mean, SETTINGS)
    assert (found.value, found.p_value) == (3, 2 / 32)
    assert stats.paired_difference(first, first, stats.mean, SETTINGS).p_value == 1


def test_difference_is_paired():
    """A spread between questions of 30 points does not hide a difference of 1 within each."""
    random = np.random.default_rng(0)
    second = column(*random.normal(50, 30, 60))
    first = second + 1 + random.normal(0, 0.5, (60, 1))
    found = stats.paired_difference(first, second, stats.mean, SETTINGS)
    assert 0.7 < found.low < found.value < found.high < 1.3
    assert found.p_value < 0.01
    reverse = stats.paired_difference(second, first, stats.mean, SETTINGS)
    assert reverse.value == pytest.approx(-found.value)
    shuffled = stats.paired_difference(random.permutation(first), second, stats.mean, SETTINGS)
    assert shuffled.high - shuffled.low > 10


def test_bleu_difference():
    better, worse = bleu_rows(60, seed=0, matched=0.8), bleu_rows(60, seed=0, matched=0.4)
    found = stats.paired_difference(better, worse, stats.corpus_bleu, SETTINGS)
    expected = sacrebleu_score(better.sum(axis=0)) - sacrebleu_score(worse.sum(axis=0))
    assert found.value == pytest.approx(expected)
    assert 0 < found.low < found.value < found.high
    assert found.p_value < 0.01
    same = stats.paired_difference(better, better, stats.corpus_bleu, SETTINGS)
    assert same == (0, 0, 0, "percentile", 1)


def test_unequal_shapes_are_refused():
    with pytest.raises(ValueError, match="not paired"):
        stats.paired_difference(column(1, 2), column(1, 2, 3), stats.mean, SETTINGS)
