"""Thinking apart from an answer: the tags of all families, and answers that only speak of them."""

import pytest
from hostile import TEXT
from hypothesis import example, given

from asft.records import Completion
from asft.thinking import TAGS, bare, is_tagged, opened_by, split_thinking, whole


@pytest.mark.parametrize(("opening", "closing"), TAGS)
def test_each_family(opening, closing):
    thinking, text, is_open = split_thinking(f"\n{opening}\nhm [[3]]\n{closing}\n\nGood. [[8]]")
    assert (text, is_open) == ("Good. [[8]]", False)
    assert bare(thinking) == "hm [[3]]"
    assert split_thinking(f"{opening.upper()} could be a [[7]]")[1:] == ("", True)
    assert opened_by(f"<|assistant|>\n{opening}\n") == opening


@pytest.mark.parametrize(
    ("text", "thinking", "answer"),
    [
        ("<think>a</think>\n<think>b</think> c", "a\nb", "c"),
        ("<think>\n\n</think>\n\nc", "", "c"),
        # DeepSeek-R1's template has the opening tag in the prompt.
        ("a\nb\n</think>\n\nc", "a\nb", "c"),
        ("<think>a <think> b</think> c", "a  b", "c"),
        ("<THINK>a</Think>c", "a", "c"),
    ],
)
def test_where_thinking_ends(text, thinking, answer):
    found = split_thinking(text)
    assert (bare(found.thinking), found.text) == (thinking, answer)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Paris.",
        "I think it is Paris.",
        "Models write `<think>` and `</think>`.",
        "```\n<think>\nhm\n</think>\n```",
        "First: <think>no</think>",
        "Close it with </think>.",
        "[[7]]",
    ],
)
def test_what_is_about_the_tags_stays(text):
    assert split_thinking(text) == ("", text, False)


@given(TEXT)
@example("<think>")
@example("\n</think>\n")
@example("  <think>a</think>  <think>")
def test_nothing_is_lost(text):
    found = split_thinking(text)
    assert found.thinking + found.text == text
    if not found.is_open:
        assert whole(found.thinking, found.text) == text


def test_splitting_takes_linear_time():
    for text in ("<think>" * 100_000, " " * 1_000_000, "\n</thin" * 100_000, "◁" * 500_000):
        split_thinking(text)


def test_thinking_from_a_field_of_its_own_stands_before_the_answer():
    assert whole("hm", "c") == "hm\n\nc"
    assert not is_tagged("hm")
    assert whole("", "c") == "c"


def test_completions():
    told = {"question_id": "q", "finish_reasons": ["stop"] * 2, "tokens": [9, 9]}
    old = Completion(turns=["<think>a</think>b", "c"], **told)
    assert old.texts() == ["b", "c"]
    assert old.texts(with_thinking=True) == old.turns
    apart = old.apart()
    assert (apart.turns, apart.thinking) == (["b", "c"], ["<think>a</think>", ""])
    assert apart.apart() == apart
    assert apart.texts(with_thinking=True) == old.turns
    plain = Completion(turns=["b", "c"], thinking=["", ""], thinking_tokens=[0, None], **told)
    assert plain == Completion(turns=["b", "c"], **told)
    assert "thinking" not in plain.model_dump_json()  # files of policies that do not think: as ever
