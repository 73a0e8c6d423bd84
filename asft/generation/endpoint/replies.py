"""Read a server's reply: its state first, then its text.

Pure functions. Whatever is no answer is raised as a `Fault`, so that it is never stored as one.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from asft.generation.endpoint.client import Endpoint
from asft.generation.endpoint.dialects import ending_of
from asft.generation.endpoint.faults import MODERATED, Fault, fault_within
from asft.generation.endpoint.scrubbing import encodable, scrubbed, without_key
from asft.generation.endpoint.server_errors import parsed, says_error
from asft.generation.endpoint.store import Reply
from asft.thinking import bare, is_tagged

# Where servers put a model's thinking beside its answer: vLLM, SGLang and DeepSeek; OpenRouter,
# Groq and newer vLLM; Ollama.
THINKING = ("reasoning_content", "reasoning", "thinking")


def read_answer(body: bytes, endpoint: Endpoint) -> Reply:
    """Read the first choice of a chat completion, without secrets should the server echo them.

    An answer is text, empty text, what there is of one that was cut off (also where thinking took
    all of its tokens), or a model's refusal (`message.refusal`). Lone surrogates are replaced by
    U+FFFD: no UTF-8 file could hold them.

    Raises:
        Fault: there is no answer in it; says what there is.
    """
    reply = parsed(body)
    choice = _choice(reply, endpoint)
    message = _mapping(choice.get("message"))
    reason = choice.get("finish_reason")
    reason = reason if isinstance(reason, str) else ""
    text, thinking = _content(message)
    ending = ending_of(reason)
    if text is None and isinstance(message.get("refusal"), str) and message["refusal"]:
        text, reason = message["refusal"], "refusal"
    elif ending == "content_filter" and not text:
        raise Fault(
            f"finish_reason {scrubbed(reason, *endpoint.secrets)} ({MODERATED})", "moderated"
        )
    elif ending == "error":
        said = scrubbed(f"{reason}: {text}" if text else reason, *endpoint.secrets)
        raise Fault(f"the reply broke off, finish_reason {said}", "passing")
    elif text is None and (ending == "length" or thinking):
        text = ""
    if text is None:
        said = f" (finish_reason {scrubbed(reason, *endpoint.secrets)})" if reason else ""
        raise Fault(f"the reply's content is null or not text{said}", "passing")
    usage = _mapping(reply.get("usage"))
    details = _mapping(usage.get("completion_tokens_details"))
    name, system = (reply.get(key) for key in ("model", "system_fingerprint"))

    def clean(value: Any) -> str:
        return without_key(encodable(value), *endpoint.secrets) if isinstance(value, str) else ""

    answer = Reply(
        text=clean(text),
        finish_reason=clean(reason),
        model=clean(name),
        prompt_tokens=_count(usage, "prompt_tokens", "input_tokens"),
        completion_tokens=_count(usage, "completion_tokens", "output_tokens"),
        system_fingerprint=clean(system),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        thinking=clean(thinking),
        thinking_tokens=_count(details | usage, "reasoning_tokens"),
    )
    return answer.apart()


def _choice(reply: Any, endpoint: Endpoint) -> dict[str, Any]:
    """The first choice; an error in its place, beside it or in it is raised."""
    if not isinstance(reply, dict | list):
        raise Fault("the reply is not JSON", "passing")
    choices = reply.get("choices") if isinstance(reply, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    blocked = _mapping(_mapping(reply).get("promptFeedback")).get("blockReason")  # Gemini
    if blocked and not choice:
        said = scrubbed(str(blocked), *endpoint.secrets)
        raise Fault(f"blockReason {said} ({MODERATED})", "moderated")
    if not isinstance(choice, dict) or _mapping(reply).get("error"):
        fault = fault_within(reply, endpoint)
        silent = fault.state == "passing" and not says_error(reply)
        raise Fault("the reply has no choices", "passing") if silent else fault
    if choice.get("error"):
        raise fault_within(choice["error"], endpoint)
    return choice


def _content(message: Mapping[str, Any]) -> tuple[str | None, str]:
    """The text (None where there is none at all) and the thinking of a message."""
    content = message.get("content")
    found = (message.get(key) for key in THINKING)
    thinking = next((part for part in found if isinstance(part, str) and part), "")
    if is_tagged(thinking):
        thinking = bare(thinking)  # tags would say that it stood in the text
    if not isinstance(content, list):
        return (content if isinstance(content, str) else None), thinking
    texts = [p if isinstance(p, str) else p["text"] for p in content if _is_text(p)]
    others = (part for part in content if isinstance(part, dict) and not _is_text(part))
    inside = "".join(piece for part in others for piece in _thought(part))
    return ("".join(texts) if texts else None), inside or thinking


def _is_text(part: Any) -> bool:
    if not isinstance(part, dict):
        return isinstance(part, str)
    return part.get("type") in ("text", "output_text") and isinstance(part.get("text"), str)


def _thought(part: Mapping[str, Any]) -> Iterator[str]:
    """The texts in a part that holds thinking: a text, or texts in a list (Mistral)."""
    for key in ("thinking", "reasoning", "text"):
        value = part.get(key)
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (p["text"] for p in value if isinstance(p, dict) and _is_text(p))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(usage: Mapping[str, Any], *names: str) -> int | None:
    """The first positive whole number under these names: servers that do not count write 0."""
    found = (usage.get(name) for name in names)
    return next(
        (n for n in found if isinstance(n, int) and not isinstance(n, bool) and n > 0), None
    )
