"""The dialects of OpenAI-compatible servers: why a reply ended, and what an error is about.

Tables of data, and the functions that look things up in them. A server that nobody has met yet is
a word more in one of them.
"""

import re
from collections.abc import Set
from typing import Literal

# Why a reply ended, in OpenAI's words, by the words of others in lower case.
ENDINGS = {
    word: ending
    for ending, words in {
        # TGI, Anthropic, llama.cpp and Together, Cohere, Responses; Gemini says STOP.
        "stop": "stop eos_token eos stop_sequence end_turn complete completed stop_token",
        # Anthropic, Gemini and Cohere; Mistral; llama.cpp; Responses; Anthropic's full context.
        "length": "length max_tokens model_length limit max_output_tokens max_new_tokens max_length"
        " model_context_window_exceeded",
        # Azure; Gemini (five words); Zhipu; Bedrock (two); Cohere.
        "content_filter": "content_filter safety recitation prohibited_content blocklist spii"
        " sensitive content_filtered guardrail_intervened error_toxic",
        "refusal": "refusal",  # Anthropic
        # OpenRouter and Cohere; Zhipu; vLLM and SGLang; DeepSeek: what came is not whole.
        "error": "error network_error abort aborted cancelled insufficient_system_resource",
    }.items()
    for word in words.split()
}
# What an error is about, by its code, type or status in lower case.
_CODES = {
    word: about
    for about, words in {
        "key": "invalid_api_key api_key_invalid authentication_error invalid_authentication"
        " unauthenticated",
        "money": "insufficient_quota insufficient_balance insufficient_credits billing_error"
        " billing_hard_limit_reached billing_not_active arrearage",
        "too_long": "context_length_exceeded exceed_context_size_error string_above_max_length"
        " request_too_large tokens_limit_reached context_window_exceeded context_exceeded 1261",
        "moderated": "content_filter content_policy_violation data_inspection_failed"
        " datainspectionfailed invalid_prompt responsibleaipolicyviolation moderation_blocked"
        " sensitive_words_detected 1301",
        "setup": "model_not_found invalid_model unsupported_parameter unknown_parameter"
        " unsupported_value unknown_url",
    }.items()
    for word in words.split()
}
# The same by a server's words, where its codes say nothing.
_WORDS = {
    "too_long": r"context (?:length|size|window|limit)|n_ctx\b|maximum prompt length"
    r"|(?:prompt|input|request|message)s? (?:is|are|was) too long|prompt too long"
    r"|exceeds max(?:imum)? length"
    r"|request too large|max_tokens must be at least 1, got -"
    r"|max_new_tokens` must be <=|`inputs` must have less than"
    r"|exceeds? the (?:maximum|model's|limit)[\w ]* tokens|range of input length"
    r"|reduce (?:the|your) [\w ]*(?:length|size)",
    "moderated": r"\bflagged\b|moderation|inappropriate content|content[- ](?:policy|filter)"
    r"|content management policy|usage polic(?:y|ies)|safety system|prohibited content"
    r"|content exists risk|considered high risk|sensitive (?:content|information|words)",
    "money": r"insufficient (?:credit|balance|fund|quota)|credit balance is too low",
    "setup": r"unexpected endpoint|no such model|unknown model"
    r"|model\b(?:[^.]|\.\w)* (?:does not exist|not found|is not available)",
}
About = Literal["key", "money", "too_long", "moderated", "passing", "setup", ""]


def ending_of(reason: str) -> str:
    """Return why a reply ended in OpenAI's words; a word of no known dialect as it came.

    The known ones are "stop", "length", "content_filter", "refusal" and "error" (it broke off).
    """
    word = reason.lower().replace("-", "_").rpartition(".")[2].removeprefix("finish_reason_")
    return ENDINGS.get(word, reason)


def about_of(status: int | None, codes: Set[str], words: str) -> About:
    """Return what an error is about, by its HTTP status, codes (lower case) and words; "" unknown.

    Args:
        status: of the reply, or that which its body names; None where an error names none.
    """
    found = {_CODES[code] for code in codes if code in _CODES}
    said = {about for about, pattern in _WORDS.items() if re.search(pattern, words.lower())}
    if status == 401:
        return "key"
    # Groq's 413 has the code of a rate limit; OpenAI's own 429 may say that one request is too
    # large for any minute: neither ever heals. Other 429s advise shorter prompts, and do.
    if status == 429 and "too large" not in words.lower():
        said.discard("too_long")
    if status == 413 or "too_long" in found | said:
        return "too_long"
    if "moderated" in found or ("moderated" in said and _refuses(status)):
        return "moderated"
    if status == 402 or "money" in found or ("money" in said and _refuses(status)):
        return "money"
    if "key" in found:
        return "key"
    if status in (408, 409, 424, 425, 429) or (status and status >= 500):
        return "passing"
    if "setup" in found | said:
        return "setup"
    return "" if status else "passing"


def _refuses(status: int | None) -> bool:
    """Tell whether a status refuses what was sent: then its words are about that."""
    return status is None or (400 <= status < 500 and status != 429)
