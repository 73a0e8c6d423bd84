"""Rows of any shape become a usable pair or question, or are dropped for a reason."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asft.data.pair_formats import FORMATS
from asft.data.question_formats import BENCHMARK_FORMATS
from asft.data.rows import Unusable
from asft.records import Pair, Question

KEYS = ["prompt", "chosen", "rejected", "conversations", "system", "score_chosen"]
KEYS += ["score_rejected", "instruction", "input", "output", "question_id", "category", "turns"]
KEYS += ["uid", "role", "content", "from", "value", "cluster", "reference"]
WORDS = ["user", "assistant", "system", "human", "gpt", "N/A", "", " "]
WORDS += ["\n\nHuman: a\n\nAssistant: b", "\n\nHuman: a\n\nAssistant: c", "\ud800", "\0", "\ufeff"]
LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.sampled_from(WORDS)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(WORDS[:4]), "content": LEAVES | st.text(max_size=4)}
)
SPOKEN = st.fixed_dictionaries(
    {"from": st.sampled_from(WORDS[:5]), "value": LEAVES | st.text(max_size=4)}
)
VALUES = st.recursive(
    LEAVES | st.text(st.characters(), max_size=6),
    lambda inner: (
        st.lists(inner | MESSAGE | SPOKEN, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
    ),
    max_leaves=8,
)
ROWS = st.dictionaries(st.sampled_from(KEYS), VALUES | st.lists(MESSAGE, max_size=4), max_size=8)


def read(parse: Any, row: dict[str, Any]) -> Any:
    """What the format makes of the row; None if it drops it."""
    try:
        return parse(row)
    except Unusable as dropped:
        return dropped.reason and None


@pytest.mark.parametrize("name", FORMATS)
@given(row=ROWS)
def test_pairs(name: str, row: dict[str, Any]) -> None:
    pair = read(FORMATS[name], row)
    if pair is None:
        return
    assert isinstance(pair, Pair)
    texts = [t for part in pair for t in ([part] if isinstance(part, str) else map(_content, part))]
    assert all(isinstance(text, str) for text in texts)
    "".join(texts).encode()  # no lone surrogates
    assert pair.chosen != pair.rejected
    assert pair.prompt
    assert len(pair.id) == 16


def _content(message: dict[str, str]) -> str:
    return message["content"]


@pytest.mark.parametrize("name", BENCHMARK_FORMATS)
@given(row=ROWS)
def test_questions(name: str, row: dict[str, Any]) -> None:
    question = read(BENCHMARK_FORMATS[name], row)
    if question is None:
        return
    assert Question.model_validate_json(question.model_dump_json()) == question
    assert question.turns
    assert question.question_id
