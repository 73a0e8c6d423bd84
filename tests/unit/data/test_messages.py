"""Messages of rows: contents in parts, calls without words, fields that say nothing."""

import pytest

from asft.data.messages import message_of, sharegpt_message, tools_of
from asft.data.rows import Unusable


def read(**turn):
    return message_of({"role": "assistant"} | turn, "role", "content")


def test_contents_may_come_in_parts_of_text():
    parts = [{"type": "text", "text": "Yes, "}, {"type": "text", "text": "rain."}]
    assert read(content=parts)["content"] == "Yes, rain."
    with pytest.raises(Unusable, match="content_not_text"):
        read(content=[*parts, {"type": "image", "url": "cat.png"}])


def test_a_call_needs_no_words_and_nothing_else_may_be_null():
    assert read(content=None, tool_calls=[{"name": "weather"}])["content"] == ""
    with pytest.raises(Unusable, match="malformed"):
        read(content=None)


def test_fields_that_say_nothing_are_left_out():
    assert read(content="Yes.", name=None, tool_calls=[], weight=1) == {
        "role": "assistant",
        "content": "Yes.",
    }


def test_fields_that_no_file_holds():
    with pytest.raises(Unusable, match="malformed"):
        read(content="Yes.", when=object())
    with pytest.raises(Unusable, match="invalid_unicode"):
        read(content="Yes.", name="\ud800")


def test_sharegpt_turns_have_fields_too():
    assert sharegpt_message({"from": "gpt", "value": "Yes.", "name": "Bo"})["name"] == "Bo"
    with pytest.raises(Unusable, match="unknown_role"):
        sharegpt_message({"from": "tool", "value": "12 degrees"})


@pytest.mark.parametrize("tools", ["[", '{"name": 1}', [1], {"name": "weather"}])
def test_tools_are_a_list_of_schemas(tools):
    with pytest.raises(Unusable, match="malformed"):
        tools_of({"tools": tools})
    assert tools_of({}) is tools_of({"tools": None}) is tools_of({"tools": "[]"}) is None
