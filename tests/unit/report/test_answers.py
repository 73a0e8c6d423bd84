"""What the report shows of single answers."""

from pathlib import Path

import numpy as np

from asft.metrics import METRICS
from asft.metrics.score_files import NUMBERS, Scores
from asft.report.answers import _metric


def test_an_answer_that_is_not_there_has_no_number():
    columns = {name: np.array([np.nan, 5.0]) for name in NUMBERS}
    file = Scores(Path("scores.csv"), ["a", "b"], columns, "sig", ["", ""])
    for metric in METRICS.values():
        missing, there = _metric(file, metric, ["a", "b"])
        assert missing is None
        assert there is not None
