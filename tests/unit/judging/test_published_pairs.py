"""Published verdicts on pairs: which annotations of AlpacaEval are used, which pairs are drawn."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from alpaca_annotations import JUDGE, annotated, write_annotations

from asft.config import Agreement
from asft.errors import UserError
from asft.judging.published_pairs import draw_balanced, read_published
from asft.judging.published_rows import PublishedPair
from asft.records import Question


def settings(path: Path, **more: Any) -> Agreement:
    given = {"format": "alpaca_eval", "sources": [{"local": str(path)}]}
    return Agreement.model_validate(given | more)


def test_annotations(tmp_path: Path):
    rows = annotated(1, 0.0, n=12)  # the fifth is a tie
    rows[0] |= {"preference": None}
    rows[1] |= {"output_2": rows[1]["output_1"]}
    rows[2] |= {"output_2": "", "preference": 1.25}
    rows[3] |= {"output_2": "m" * 5000}
    write_annotations(tmp_path / "a.json", rows)
    write_annotations(tmp_path / "b.json", rows[2:3])
    found = read_published(settings(tmp_path / "*.json", max_characters=4000))
    assert found.left_out == {
        **{"no verdict": 1, "both answers are the same": 1, "the same pair again": 1},
        **{"prefers neither answer": 1, "longer than 4000 characters": 1},
    }
    assert len(found.pairs) == 8
    first = found.pairs[0]
    assert (first.question.turns, first.answers) == (["Do thing 2."], (rows[2]["output_1"], ""))
    assert (first.preference, first.question.category) == (0.25, "made_up")
    assert (found.judge, first.models) == (JUDGE, ("gpt4_1106_preview", "m"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"preference": 3}, r"row 1 \(m\), key 'preference'"),
        ({"generator_1": None}, r"row 1 \(m\), key 'generator_1': expected a name"),
        ({"annotator": "other"}, "of several judges"),
    ],
)
def test_unusable_rows_are_named(tmp_path: Path, change: dict[str, Any], message: str):
    rows = annotated(1, 0.0, n=3)
    rows[0] |= change
    with pytest.raises(UserError, match=message):
        read_published(settings(write_annotations(tmp_path / "a.json", rows)))


def test_verdicts_that_prefer_nothing_are_no_measure(tmp_path: Path):
    rows = [row | {"preference": 1.5} for row in annotated(1, 0.0, n=2)]
    with pytest.raises(UserError, match=r"none can be used \(prefers neither answer: 2\)"):
        read_published(settings(write_annotations(tmp_path / "a.json", rows)))


def pairs(model: str, preferences: list[float]) -> list[PublishedPair]:
    return [
        PublishedPair(
            "j", Question(question_id=f"{n}", turns=["?"]), ("b", model), (f"{n}", model), p
        )
        for n, p in enumerate(preferences)
    ]


def test_draws_are_balanced_spread_and_nested():
    weak, strong = pairs("weak", [0.0] * 20 + [1.0] * 2), pairs("strong", [1.0] * 20 + [0.1] * 2)
    drawn = draw_balanced(weak + strong, 8)
    counts = Counter((pair.models[1], pair.preference > 0.5) for pair in drawn)
    assert counts == {(model, side): 2 for model in ("weak", "strong") for side in (True, False)}
    more = draw_balanced(strong + weak, 17)
    assert len(more) == 16
    assert {pair.pair_id for pair in drawn} <= {pair.pair_id for pair in more}
    assert drawn == draw_balanced(strong + weak, 8)
    assert len(draw_balanced(weak, None)) == 4
    with pytest.raises(UserError, match="all 20 prefer the first answer"):
        draw_balanced(weak[:20], 8)
