"""What servers of all kinds mean: why replies ended, what errors are about."""

import pytest

from asft.generation.endpoint.dialects import about_of, ending_of


@pytest.mark.parametrize(
    ("reason", "ending"),
    [
        ("stop", "stop"),
        ("eos_token", "stop"),
        ("STOP", "stop"),
        ("end_turn", "stop"),
        ("FinishReason.STOP", "stop"),
        ("FINISH_REASON_MAX_TOKENS", "length"),
        ("max_tokens", "length"),
        ("model_length", "length"),
        ("SAFETY", "content_filter"),
        ("sensitive", "content_filter"),
        ("refusal", "refusal"),
        ("abort", "error"),
        ("network_error", "error"),
        ("", ""),
        ("tool_calls", "tool_calls"),
        ("Something New", "Something New"),
    ],
)
def test_endings(reason, ending):
    assert ending_of(reason) == ending


TOO_LONG = [
    (400, "", "This model's maximum context length is 2048 tokens."),
    (400, "", "prompt is too long: 210000 tokens > 200000 maximum"),
    (400, "", "The input token count (1200000) exceeds the maximum number of tokens allowed"),
    (400, "", "The input (9000 tokens) is longer than the model's context length (8192 tokens)."),
    (400, "", "max_tokens must be at least 1, got -186."),
    (422, "", "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens"),
    (400, "", "Input is too long for requested model."),
    (400, "", "Range of input length should be [1, 6000]"),
    (400, "", "Please reduce the length of the messages"),
    (400, "context_length_exceeded", ""),
    (500, "exceed_context_size_error", ""),
    (413, "rate_limit_exceeded", "Request too large for model: Limit 6000, Requested 9000"),
    (429, "tokens", "Request too large for gpt-4o on tokens per min (TPM): Limit 30000"),
    (413, "", ""),
]
MODERATED = [
    (400, "data_inspection_failed", ""),
    (400, "invalid_prompt", ""),
    (400, "responsibleaipolicyviolation", ""),
    (403, "", 'The model requires moderation. Your input was flagged for "violence".'),
    (400, "", "Content Exists Risk"),
    (400, "", "The request was rejected because it was considered high risk"),
    (None, "content_filter", ""),
]
OTHERS = [
    ("key", 401, "", "anything"),
    ("key", 400, "api_key_invalid", ""),
    ("money", 402, "", "Insufficient credits"),
    ("money", 429, "insufficient_quota", "You exceeded your current quota"),
    ("money", 400, "", "Your credit balance is too low"),
    ("passing", 429, "resource_exhausted", "You exceeded your current quota. Retry in 39.5s."),
    ("passing", 529, "overloaded_error", "Overloaded"),
    ("passing", 503, "", "moderation is down"),
    ("passing", 424, "generation", "Request failed during generation"),  # TGI
    ("passing", None, "", "upstream is busy"),
    ("setup", None, "", "Unexpected endpoint or method. (POST /chat/completions)"),
    ("setup", 404, "", "The model `gpt-9` does not exist"),
    ("setup", 400, "unsupported_parameter", "Use 'max_completion_tokens' instead."),
    ("", 400, "", "max_tokens is too large"),
    ("", 403, "", "Country not supported"),
    ("", 422, "", ""),
]


@pytest.mark.parametrize(
    ("about", "status", "code", "words"),
    [
        *(("too_long", *case) for case in TOO_LONG),
        *(("moderated", *case) for case in MODERATED),
        *OTHERS,
    ],
)
def test_what_an_error_is_about(about, status, code, words):
    assert about_of(status, {code}, words) == about


def test_words_are_searched_in_linear_time():
    for text in ("exceeds the maximum " + "a " * 2_500, "reduce the " * 500, "model " * 800):
        assert about_of(400, set(), text) == ""
