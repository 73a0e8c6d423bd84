"""A judge's measures against published verdicts: hand-worked, and scikit-learn's on noise."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from asft.config import Statistics
from asft.metrics.agreement import (
    ComparedPair,
    PairChoices,
    choices_on,
    compared_with_chance,
    measure_agreement,
)
from asft.records import Verdict

MODELS = ("a", "b")
PROBABILITIES = {"[[A>>B]]": 0.1, "[[A>B]]": 0.2, "[[A=B]]": 0.4, "[[B>A]]": 0.1, "[[B>>A]]": 0.2}


def pair(number, published, *labels, lengths=(5, 5), question=None):
    """A pair, and a judge's labels of game 1 and game 2; None: no verdict."""
    games = tuple(
        [
            Verdict(question_id=str(number), game=game, status="ok", label=label)
            if label
            else Verdict(question_id=str(number), game=game, status="no_verdict")
        ]
        for game, label in enumerate(labels, 1)
    )
    return ComparedPair(str(number), question or str(number), MODELS, published, lengths, games)


PAIRS = [
    pair(0, 1.0, "B>A", "A>B", lengths=(2, 9)),  # the second, twice
    pair(1, 0.9, "A>B", "A>>B"),  # the first shown, twice: neither
    pair(2, 0.0, "A>>B", "A=B", lengths=(2, 9)),  # the first
    pair(3, 0.2, "B>A", "A=B", lengths=(9, 2)),  # the second: wrong
    pair(4, 0.2, "A>B", None),  # not judged
]


def test_by_hand():
    choices = choices_on(PAIRS, "arena_hard")
    assert choices.preferences.tolist()[:4] == [[1, 1], [0, 1], [0, 0.5], [1, 0.5]]
    assert choices.complete.tolist() == [True] * 4 + [False]
    assert choices.sides.tolist()[:4] == [1, 0, -1, 1]
    found = measure_agreement(PAIRS, choices, Statistics())
    assert found["agreement"].value == (1 + 0.5 + 1 + 0) / 4
    assert found["always_first"].value == 0.5
    assert found["longer_answer"].value == (1 + 0.5 + 0 + 1) / 4
    assert found["swap_consistency"].value == 1 / 4
    assert found["first_position_rate"].value == (1 + 2 + 1 + 0) / 6  # of games with a winner
    assert found["kappa"].value == pytest.approx((2 / 4 - 3 / 8) / (1 - 3 / 8))


def test_probabilities_stand_behind_the_auc_alone():
    verdict = Verdict(
        question_id="0", game=1, status="ok", label="A=B", probabilities=PROBABILITIES
    )
    second = verdict.model_copy(update={"game": 2})
    choices = choices_on([pair(0, 1)._replace(verdicts=([verdict], [second]))], "arena_hard")
    assert choices.preferences.tolist() == [[0.5, 0.5]]
    assert choices.expected[0] == pytest.approx([0.5, 0.5])
    choices = choices_on([pair(0, 1)._replace(verdicts=([verdict], [verdict]))], "arena_hard")
    assert choices.expected[0].sum() == pytest.approx(1)


def test_a_preference_is_its_own_probability():
    games = tuple([Verdict(question_id="0", game=g, status="ok", rating=0.75)] for g in (1, 2))
    choices = choices_on([pair(0, 1)._replace(verdicts=games)], "alpaca_eval")
    assert choices.preferences.tolist() == choices.expected.tolist() == [[0.75, 0.25]]
    assert choices.sides.tolist() == [0]


def test_ratings_are_compared():
    ratings = tuple([Verdict(question_id="0", status="ok", rating=n)] for n in (4.0, 8.5))
    lost = ([Verdict(question_id="0", status="no_verdict")], ratings[1])
    pairs = [pair(0, 1)._replace(verdicts=own) for own in (ratings, ratings[::-1], lost)]
    pairs[1] = pairs[1]._replace(published=0.0)
    choices = choices_on(pairs, "mt_bench")
    assert choices.preferences[0] == pytest.approx([0.75, 0.75])
    assert choices.complete.tolist() == [True, True, False]
    found = measure_agreement(pairs, choices, Statistics())
    assert found["agreement"].value == 1
    assert "swap_consistency" not in found


def noise(n, questions, skill):
    random = np.random.default_rng(5)
    truth = np.arange(n) % 2
    preferences = np.clip(random.normal(0.5 + skill * (truth - 0.5)[:, None], 0.3, (n, 2)), 0, 1)
    preferences = preferences.round(1)  # so that some are equal
    pairs = [pair(i, float(t), question=str(i % questions)) for i, t in enumerate(truth)]
    return truth, pairs, PairChoices(preferences, preferences, games=True)


def test_kappa_and_auc_are_scikit_learns():
    truth, pairs, choices = noise(60, 60, 0.3)
    found = measure_agreement(pairs, choices, Statistics())
    kappa = cohen_kappa_score(2 * truth - 1, choices.sides.astype(int))
    assert found["kappa"].value == pytest.approx(kappa)
    auc = roc_auc_score(truth, choices.expected.mean(axis=1))
    assert found["auc"].value == pytest.approx(auc)


def test_the_interval_of_the_auc_is_delongs():
    """Its variance as the paper's formula has it, from all comparisons of two classes."""
    truth, pairs, choices = noise(40, 40, 0.3)
    scores = choices.expected.mean(axis=1)
    above, below = scores[truth == 1][:, None], scores[truth == 0][None]
    won = (above > below) + 0.5 * (above == below)
    variance = sum(won.mean(axis=axis).var(ddof=1) / 20 for axis in (0, 1))
    found = measure_agreement(pairs, choices, Statistics())["auc"]
    half = (found.high - found.low) / 2
    assert half == pytest.approx(2.03 * variance**0.5, rel=0.05)  # t, 39 degrees, and the skewness


def test_pairs_of_one_question_count_together():
    _, pairs, choices = noise(60, 60, 0.3)
    again = [one._replace(pair_id=f"{one.pair_id}b") for one in pairs]
    doubled = PairChoices(*(np.concatenate([choices[k]] * 2) for k in (0, 1)), games=True)
    alone, both = (
        measure_agreement(own, of, Statistics())["agreement"]
        for own, of in ((pairs, choices), (pairs + again, doubled))
    )
    assert both[:3] == pytest.approx(alone[:3])


@pytest.mark.parametrize(
    ("skill", "word"),
    [(0.6, "above chance"), (-0.6, "below chance"), (0.0, "not told apart from chance")],
)
def test_words(skill, word):
    _, pairs, choices = noise(60, 60, skill)
    assert (
        compared_with_chance(measure_agreement(pairs, choices, Statistics())["agreement"]) == word
    )
