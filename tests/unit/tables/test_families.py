"""Which comparisons of a table are corrected together."""

from itertools import combinations

import numpy as np
import pytest

from asft.config.experiment import Statistics
from asft.metrics.corpus import mean
from asft.metrics.statistics import Difference, paired_difference
from asft.tables.families import beside_others

METHODS = ["base", "sft", "dpo", "asft"]
PAIRS = list(combinations(METHODS, 2))


def differences() -> list[Difference]:
    random = np.random.default_rng(0)
    scores = {name: random.normal(size=(1, 30, 1)) for name in METHODS}
    return [paired_difference(scores[a], scores[b], mean, Statistics()) for a, b in PAIRS]


@pytest.mark.parametrize(
    ("baselines", "family"),
    [
        (None, {"base sft", "base dpo", "base asft", "sft dpo", "dpo asft"}),
        (["asft"], {"base asft", "sft asft", "dpo asft"}),
        (["elsewhere"], set()),
        ([], set()),
    ],
)
def test_the_family_is_all_with_a_baseline(baselines: list[str] | None, family: set[str]):
    found = beside_others(PAIRS, differences(), Statistics(baselines=baselines))
    corrected = {" ".join(pair): one for pair, one in zip(PAIRS, found, strict=True) if one}
    assert set(corrected) == family
    assert {one.compared for one in corrected.values()} <= {len(family)}
