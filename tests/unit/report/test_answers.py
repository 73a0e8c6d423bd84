"""What the report shows of single answers."""

from pathlib import Path

import numpy as np

from asft.metrics import METRICS
from asft.metrics.score_files import NUMBERS, Scores
from asft.records import Verdict
from asft.report.answers import _metric, plain


def test_an_answer_that_is_not_there_has_no_number():
    columns = {name: np.array([np.nan, 5.0]) for name in NUMBERS}
    file = Scores(Path("scores.csv"), ["a", "b"], columns, "sig", ["", ""])
    for metric in METRICS.values():
        missing, there = _metric(file, metric, ["a", "b"])
        assert missing is None
        assert there is not None


def test_a_rating_of_0_is_shown():
    """What is empty is left out; of a game that AlpacaEval's judge decides by letter it is not."""
    lost = plain(Verdict(question_id="q", game=1, status="ok", rating=0.0), 0)
    assert lost == {"judge": 0, "status": "ok", "turn": 1, "game": 1, "rating": 0.0}
    assert "rating" not in plain(Verdict(question_id="q", status="no_verdict"), 0)
