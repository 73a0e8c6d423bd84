"""Errors of any shape: a server's words, its codes, and how long it asks to wait."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asft.generation.endpoint.server_errors import limit_reset, parsed, read_error, retry_after

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
FIELD = {"loc": ["body", "temperature"], "msg": "Input should be at most 2", "type": "less_than"}
RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "40s"}
GEMINI = {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED", "details": [RETRY]}
OPENROUTER = {"message": "Provider returned error", "code": 400, "metadata": {"raw": "too long"}}
AZURE = {
    "message": "Filtered",
    "code": None,
    "innererror": {"code": "ResponsibleAIPolicyViolation"},
}


@pytest.mark.parametrize(
    ("body", "words", "status", "code"),
    [
        ({"error": {"message": "No", "code": "c", "type": "t"}}, "No", None, "t"),
        ([{"error": GEMINI}], "Quota", 429, "resource_exhausted"),
        ({"error": "Unexpected endpoint"}, "Unexpected endpoint", None, None),
        ({"object": "error", "message": "Bad", "code": 400}, "Bad", 400, "400"),
        ({"error": "Too many", "error_type": "validation"}, "Too many", None, "validation"),
        ({"detail": "Not Found"}, "Not Found", None, None),
        ({"detail": [FIELD]}, "body.temperature: Input should be at most 2", None, "less_than"),
        ({"error_msg": "No money", "error_code": 18}, "No money", None, "18"),
        ({"errors": [{"message": "Nope", "code": 5007}]}, "Nope", None, "5007"),
        ({"error": OPENROUTER}, "Provider returned error; too long", 400, "400"),
        ({"error": AZURE}, "Filtered", None, "responsibleaipolicyviolation"),
        ("<html><b>Bad Gateway</b></html>", "Bad Gateway", None, None),
        ({"choices": []}, "", None, None),
        (None, "", None, None),
    ],
)
def test_words_and_codes(body, words, status, code):
    found = read_error(body)
    assert " ".join(found.words.split()) == words
    assert found.status == status
    assert code is None or code in found.codes


@pytest.mark.parametrize(
    ("body", "wait"),
    [
        ([{"error": GEMINI}], 40),
        ({"error": {"details": [{"retryDelay": {"seconds": 40}}]}}, 40),
        ({"error": {"message": "Please retry in 39.5s."}}, 39.5),
        ({"error": {"message": "Limit reached. Please try again in 6m0s."}}, 360),
        ({"error": {"message": "try again in 320ms"}}, 0.32),
        ({"error": {"message": "Please retry after 26 seconds."}}, 26),
        ({"detail": "Too many requests, wait 2 minutes"}, 120),
        ({"error": {"metadata": {"retry_after_seconds": 7}}}, 7),
        ({"error": {"metadata": {"headers": {"Retry-After": "8"}}}}, 8),
        ({"error": {"message": "Retry your 5 questions"}}, 0),
        ({"error": {"message": "overloaded"}}, 0),
    ],
)
def test_waits_in_bodies(body, wait):
    assert read_error(body).wait == pytest.approx(wait)


def test_retry_after():
    date = "Mon, 23 Nov 2026 12:00:30 GMT"
    assert retry_after({"retry-after": date}, NOW) == 30
    assert retry_after({"retry-after": date.replace("GMT", "-0000")}, NOW) == 30
    assert retry_after({"retry-after": "Monday, 23-Nov-26 12:00:30 GMT"}, NOW) == 30
    assert retry_after({"retry-after": "2026-11-23T12:00:30Z"}, NOW) == 30
    assert retry_after({"retry-after": "Mon, 23 Nov 2026 11:00:00 GMT"}, NOW) == 0
    assert retry_after({"retry-after": "1.5", "retry-after-ms": "200"}, NOW) == 0.2
    assert retry_after({"retry-after": "5, 5"}, NOW) == 5  # the header came twice
    for nonsense in ("", "-5", "nan", "inf", "soon", "Mon, 99 Nov 2026 12:00:30 GMT"):
        assert retry_after({"retry-after": nonsense}, NOW) == 0
    assert retry_after({}, NOW) == 0


def test_limit_reset():
    assert limit_reset({"x-ratelimit-reset": "30"}, NOW) == 30
    epoch = int(NOW.timestamp()) + 30
    assert limit_reset({"x-ratelimit-reset": f"{epoch}"}, NOW) == pytest.approx(30)
    assert limit_reset({"x-ratelimit-reset": f"{epoch}000"}, NOW) == pytest.approx(30)
    both = {"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-reset-tokens": "1s"}
    left = {"x-ratelimit-remaining-requests": "99", "x-ratelimit-remaining-tokens": "0"}
    assert limit_reset(both | left, NOW) == 1
    assert limit_reset({}, NOW) == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "code", "message", "detail", "metadata", "retryDelay", "headers"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_shape_is_too_odd(body):
    found = read_error(parsed(json.dumps(body).encode()))
    assert found.wait >= 0
    assert found.status is None or 400 <= found.status < 600


def test_long_bodies_take_no_time():
    assert len(read_error("<" * 5_000_000).words) <= 5_000
    assert len(read_error({"error": {"message": "wait " * 1_000_000}}).words) <= 5_000
