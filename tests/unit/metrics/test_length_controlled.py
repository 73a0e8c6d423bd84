"""AlpacaEval's win rates: hand-worked, and what length control does and does not do."""

import math

import numpy as np
import pytest

from asft.metrics.corpus import Values
from asft.metrics.length_controlled import (
    GamedBaselines,
    LengthControlled,
    Preferences,
    against_itself,
    length_controlled_win_rate,
    plain_win_rate,
)

NAN = math.nan


def test_plain_win_rate_by_hand():
    """(0.2 + 0.5 + 0.9 + 1) / 4; squared deviations .2025, .0225, .0625, .1225 over 3, over 4."""
    found = plain_win_rate(np.array([0.2, 0.5, NAN, 0.9, 1.0]))
    assert found.win_rate == pytest.approx(65)
    assert found.standard_error == pytest.approx(100 * math.sqrt(0.41 / 3 / 4))
    assert (found.n_wins, found.n_losses, found.n_draws, found.n) == (2, 1, 1, 4)
    assert found.discrete_win_rate == pytest.approx(100 * 2.5 / 4)


def test_a_hair_beside_a_tie_is_a_win_or_a_loss():
    found = plain_win_rate(np.array([0.5 + 1e-9, 0.5 - 1e-9, 0.5]))
    assert (found.n_wins, found.n_losses, found.n_draws) == (1, 1, 1)
    assert found.discrete_win_rate == 50


def test_one_preference_has_no_standard_error():
    assert math.isnan(plain_win_rate(np.array([1.0])).standard_error)


def test_no_preferences():
    with pytest.raises(ValueError, match="no preferences"):
        plain_win_rate(np.array([NAN, NAN]))
    with pytest.raises(ValueError, match="no preferences"):
        length_controlled_win_rate(
            drawn(3)._replace(preference=np.full(3, NAN)), np.zeros(3), NO_GAMED
        )


NO_GAMED = GamedBaselines(*np.zeros((3, 0)))


def drawn(n: int, taste: float = 0.0, quality: float = 0.0, longer: int = 0) -> Preferences:
    """Preferences of a judge with a taste for length, of a model whose outputs are longer."""
    random = np.random.default_rng(n)
    length, baseline = random.integers(200, 800, (2, n)).astype(float)
    length += longer
    shift = (length - baseline) / (length - baseline).std(ddof=1)
    p = 1 / (1 + np.exp(-quality - taste * np.tanh(shift) - random.normal(0, 0.3, n)))
    return Preferences(p, length, baseline)


def gamed(n: int, taste: float) -> GamedBaselines:
    random = np.random.default_rng(n)
    shift = random.normal(0, 1, n)
    return GamedBaselines(1 / (1 + np.exp(taste * np.tanh(shift))), shift, np.zeros(n))


def test_a_taste_for_length_is_taken_out():
    """No better than the baseline but longer: it wins far more than half, at equal length half."""
    longer = drawn(400, taste=2.0, longer=300)
    assert plain_win_rate(longer.preference).win_rate > 70
    found = length_controlled_win_rate(longer, np.zeros(400), gamed(400, 2.0))
    assert found.win_rate == pytest.approx(50, abs=2)


def test_quality_stays():
    """logit 1 is 73 %."""
    better = drawn(400, taste=2.0, quality=1.0, longer=-200)
    found = length_controlled_win_rate(better, np.zeros(400), gamed(400, 2.0))
    assert found.win_rate == pytest.approx(73, abs=3)


def equal(preference: Values) -> Preferences:
    lengths = np.full(len(preference), 100.0)
    return Preferences(preference, lengths, lengths)


def test_at_equal_lengths_it_is_the_plain_win_rate_but_for_the_penalty():
    preference = drawn(200, quality=0.8).preference
    found = length_controlled_win_rate(
        equal(preference), np.zeros(200), gamed(50, 1.0), strength=1e4
    )
    assert found.win_rate == pytest.approx(plain_win_rate(preference).win_rate, abs=0.01)
    shifted = equal(preference)._replace(length=np.full(200, 300.0))  # alike, so no difference
    assert (
        length_controlled_win_rate(shifted, np.zeros(200), gamed(50, 1.0), 1e4).win_rate
        == found.win_rate
    )


def test_a_model_as_good_as_the_baseline_gets_50():
    assert (
        length_controlled_win_rate(equal(np.full(30, 0.5)), np.zeros(30), NO_GAMED).win_rate == 50
    )


def test_the_baseline_itself_gets_50_by_construction():
    found = against_itself(3)
    assert (found.win_rate, found.spread, found.predicted.tolist()) == (50, 0, [0.5] * 3)


def test_what_has_no_preference_is_predicted_all_the_same():
    """It has no part in the fit, but for the standard deviation of the lengths."""
    whole, difficulty = drawn(60, quality=1.0), np.linspace(-2, 2, 60)
    some = whole._replace(preference=np.where(np.arange(60) < 10, NAN, whole.preference))
    found = length_controlled_win_rate(some, difficulty, NO_GAMED, 1e4)
    assert found.predicted.shape == (60,)
    changed = some._replace(preference=np.where(np.arange(60) < 11, NAN, whole.preference))
    assert length_controlled_win_rate(changed, difficulty, NO_GAMED, 1e4).win_rate != found.win_rate


def test_gamed_rows_without_a_preference_do_not_count():
    rows = gamed(40, 1.0)
    gap = rows._replace(preference=np.where(np.arange(40) < 5, NAN, rows.preference))
    left = GamedBaselines(*(column[5:] for column in rows))
    one, other = (_at(drawn(30), some) for some in (gap, left))
    assert one.weights.tolist() == other.weights.tolist()


def _at(found: Preferences, rows: GamedBaselines) -> LengthControlled:
    return length_controlled_win_rate(found, np.zeros(len(found.length)), rows)


def test_difficulties_of_other_instructions_are_refused():
    with pytest.raises(ValueError, match="not of the same instructions"):
        length_controlled_win_rate(drawn(30), np.zeros(29), NO_GAMED)
