"""The state of a reply is read before its text: what is an answer, and what only looks like one."""

import json

import pytest

from asft.generation.endpoint.client import Endpoint
from asft.generation.endpoint.faults import Fault
from asft.generation.endpoint.replies import read_answer

JUDGE = Endpoint(base_url="http://127.0.0.1/v1", model="m")


def body(content="[[7]]", reason="stop", usage=None, choice=None, **message):
    told = {"message": {"role": "assistant", "content": content, **message}}
    choices = [told | {"finish_reason": reason} | (choice or {})]
    return json.dumps({"model": "m", "choices": choices, "usage": usage}).encode()


def fault_in(reply):
    with pytest.raises(Fault) as caught:
        read_answer(reply, JUDGE)
    return caught.value.state, str(caught.value)


@pytest.mark.parametrize(
    ("reply", "text", "thinking", "state"),
    [
        (body(), "[[7]]", "", "answer"),
        (body(reason="eos_token"), "[[7]]", "", "answer"),
        (body(reason=None), "[[7]]", "", "answer"),
        (body(reason="MAX_TOKENS"), "[[7]]", "", "truncated"),
        (body("", "length"), "", "", "truncated"),
        (body(None, "length"), "", "", "truncated"),
        (body(None, "length", reasoning_content="hm"), "", "hm", "truncated"),
        (body(None, "stop", reasoning="hm"), "", "hm", "answer"),
        (body("[[7]]", reasoning_content="hm"), "[[7]]", "hm", "answer"),
        (body("[[7]]", "SAFETY"), "[[7]]", "", "moderated"),
        (body(None, refusal="I will not."), "I will not.", "", "answer"),
        (body(["[[7]]"]), "[[7]]", "", "answer"),
        (body([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]), "ab", "", "answer"),
        (
            body(
                [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                    {"type": "text", "text": "[[8]]"},
                ]
            ),
            *("[[8]]", "hm", "answer"),
        ),
        (body([{"type": "reasoning", "text": "hm"}], "length"), "", "hm", "truncated"),
    ],
)
def test_answers(reply, text, thinking, state):
    answer = read_answer(reply, JUDGE)
    assert (answer.text, answer.thinking, answer.state) == (text, thinking, state)


@pytest.mark.parametrize(
    ("reply", "state", "words"),
    [
        (body(None, "content_filter"), "moderated", "finish_reason content_filter"),
        (body("", "SAFETY"), "moderated", "finish_reason SAFETY"),
        (body(None), "passing", "null"),
        (body([], "stop"), "passing", "null"),
        (body(None, "tool_calls"), "passing", "finish_reason tool_calls"),
        (body("upstream died", "error"), "passing", "error: upstream died"),
        (body("half", "abort"), "passing", "broke off"),
        (body("x", choice={"error": {"code": 502, "message": "died"}}), "passing", "502: died"),
        (body("x", choice={"error": {"code": 402, "message": "no money"}}), "fatal", "no money"),
        (b'{"error": {"message": "free-models-per-day", "code": 429}}', "passing", "per-day"),
        (b'{"error": {"message": "Insufficient credits", "code": 402}}', "fatal", "credits"),
        (b'{"error": "Unexpected endpoint or method."}', "fatal", "`base_url`"),
        (b'[{"error": {"code": 400, "message": "odd"}}]', "refused", "error 400: odd"),
        (b'{"error": {"code": "context_length_exceeded"}}', "too_long", "too long"),
        (b'{"promptFeedback": {"blockReason": "SAFETY"}}', "moderated", "SAFETY"),
        (b'{"choices": [], "object": "error", "message": "gone"}', "passing", "gone"),
        (b'{"choices": []}', "passing", "no choices"),
        (b"data: {}", "passing", "not JSON"),
    ],
)
def test_what_is_no_answer(reply, state, words):
    found, said = fault_in(reply)
    assert found == state
    assert words in said


def test_usage_that_is_missing_is_empty():
    def counts(usage):
        answer = read_answer(body(usage=usage), JUDGE)
        return answer.prompt_tokens, answer.completion_tokens, answer.thinking_tokens

    nothing = (None, None, None)
    assert counts(None) == nothing
    assert counts({"prompt_tokens": 0, "completion_tokens": 0}) == nothing  # nobody counted
    assert counts({"prompt_tokens": True, "completion_tokens": "3"}) == nothing
    assert counts({"input_tokens": 11, "output_tokens": 3}) == (11, 3, None)
    details = {"completion_tokens_details": {"reasoning_tokens": 2}}
    assert counts({"prompt_tokens": 11, "completion_tokens": 3} | details) == (11, 3, 2)


def test_thinking_in_tags_is_apart_and_comes_back_byte_for_byte():
    answer = read_answer(body("<think>\n[[3]]\n</think>\n\nGood. [[8]]"), JUDGE)
    assert (answer.text, answer.thinking) == ("Good. [[8]]", "<think>\n[[3]]\n</think>\n\n")
    assert answer.content == "<think>\n[[3]]\n</think>\n\nGood. [[8]]"
    assert answer.apart() == answer
    field = read_answer(body("Good. [[8]]", reasoning_content="[[3]]"), JUDGE)
    assert field.content == "Good. [[8]]"  # all that upstream would see
    tagged = read_answer(body("Good. [[8]]", reasoning="<think>[[3]]</think>"), JUDGE)
    assert (tagged.content, tagged.thinking) == ("Good. [[8]]", "[[3]]")


@pytest.mark.parametrize("reason", ["length", "stop"])
def test_a_reply_that_is_cut_off_inside_its_thinking_is_truncated(reason):
    answer = read_answer(body("<think> could be a [[7]]", reason), JUDGE)
    assert (answer.text, answer.state) == ("", "truncated")
