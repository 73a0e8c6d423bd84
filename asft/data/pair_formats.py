"""Formats of preference data: one pure function per format, from a row to a `Pair`.

A new format is one function, one row in `FORMATS`, and its name in `asft/config/data.py` (of test
questions: `question_formats.py`, `asft/config/benchmarks.py`). A function that cannot use its row
raises `Unusable`; the reasons are counted and stand in the card.

Whitespace around a completion is stripped (it would become tokens to learn), whitespace inside it
never. TRL's own format is passed as it is: its plain completions may begin with the space that
joins them to the prompt.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from asft.data.rows import (
    Row,
    Unusable,
    list_of,
    text_of,
    value_of,
)
from asft.records import Message, Pair

# Turns are set off by a blank line; a label inside a line belongs to what somebody said.
HH_LABEL = re.compile(r"(?:\A|\n\n)(Human|Assistant):")
HH_ROLES = {"Human": "user", "Assistant": "assistant"}
SHAREGPT_ROLES = {"system": "system", "human": "user", "gpt": "assistant"}


def ultrafeedback_binarized(row: Row) -> Pair:
    """Read HuggingFaceH4/ultrafeedback_binarized: whole conversations in `chosen` and `rejected`.

    The upstream script draws the rejected answer at random among the others, so ties in score
    remain; they state no preference. Where it found fewer than two answers it wrote "N/A".
    """
    chosen, rejected = _messages(row, "chosen"), _messages(row, "rejected")
    if value_of(row, "score_chosen") == value_of(row, "score_rejected"):
        raise Unusable("tied_scores")
    if "N/A" in (chosen[-1]["content"].strip(), rejected[-1]["content"].strip()):
        raise Unusable("empty_completion")
    return _pair_of_conversations(_stripped(chosen), _stripped(rejected))


def hh_rlhf(row: Row) -> Pair:
    """Read Anthropic/hh-rlhf: transcripts "\\n\\nHuman: …\\n\\nAssistant: …"; the last differs."""
    return _pair_of_conversations(_transcript(row, "chosen"), _transcript(row, "rejected"))


def sharegpt_ranking(row: Row) -> Pair:
    """Read LLaMA-Factory's ShareGPT ranking: `conversations`, `chosen`, `rejected`, maybe `system`.

    A system turn inside `conversations` wins over the column, as in LLaMA-Factory.
    """
    prompt = [_sharegpt_message(turn) for turn in list_of(row, "conversations")]
    system = text_of(row.get("system") or "")
    if system and prompt[0]["role"] != "system":
        prompt.insert(0, Message(role="system", content=system))
    chosen = _sharegpt_message(value_of(row, "chosen"))
    rejected = _sharegpt_message(value_of(row, "rejected"))
    return _pair_of_conversations(_stripped([*prompt, chosen]), _stripped([*prompt, rejected]))


def trl(row: Row) -> Pair:
    """Read TRL's preference format: conversations or plain strings, prompt explicit or implicit.

    As in TRL, an implicit prompt is what the two completions share at their beginning, and a string
    in `prompt` beside conversations (the columns of UltraFeedback) does not count as a prompt.
    """
    chosen, rejected, prompt = value_of(row, "chosen"), value_of(row, "rejected"), row.get("prompt")
    if isinstance(chosen, str):
        return _plain(prompt, text_of(chosen), text_of(rejected))
    chosen, rejected = _messages(row, "chosen"), _messages(row, "rejected")
    if isinstance(prompt, list):
        prompt = _messages(row, "prompt")
    else:
        prompt = chosen[: _shared(chosen, rejected)]
        chosen, rejected = chosen[len(prompt) :], rejected[len(prompt) :]
        if not chosen and not rejected:
            raise Unusable("identical_completions")
    if len(chosen) != 1 or len(rejected) != 1:
        raise Unusable("not_one_message")
    return _pair_of_conversations([*prompt, *chosen], [*prompt, *rejected])


FORMATS: dict[str, Callable[[Row], Pair]] = {
    "ultrafeedback_binarized": ultrafeedback_binarized,
    "hh_rlhf": hh_rlhf,
    "sharegpt_ranking": sharegpt_ranking,
    "trl": trl,
}


def _pair_of_conversations(chosen: list[Message], rejected: list[Message]) -> Pair:
    for conversation in (chosen, rejected):
        _check_roles(conversation)
    prompt = chosen[:-1]
    if rejected[:-1] != prompt:
        raise Unusable("context_mismatch")
    if not prompt[-1]["content"].strip():
        raise Unusable("empty_prompt")
    if not all(message["content"].strip() for message in prompt):
        raise Unusable("empty_turn")
    _check_completions(chosen[-1]["content"], rejected[-1]["content"])
    return Pair(prompt, chosen[-1:], rejected[-1:])


def _check_roles(conversation: list[Message]) -> None:
    """An optional system message, then user and assistant in turn, the assistant last."""
    roles = [message["role"] for message in conversation]
    if roles[0] == "system":
        roles = roles[1:]
    if roles == ["assistant"]:
        raise Unusable("empty_prompt")
    if not roles or roles != ["user", "assistant"] * (len(roles) // 2):
        raise Unusable("roles_not_alternating")


def _check_completions(chosen: str, rejected: str) -> None:
    if chosen == rejected:
        raise Unusable("identical_completions")
    if not chosen.strip() or not rejected.strip():
        raise Unusable("empty_completion")


def _plain(prompt: Any, chosen: str, rejected: str) -> Pair:
    if prompt is None:
        cut = _shared(chosen, rejected)
        # As in TRL: the space before the first differing word goes to the completions.
        if chosen[:cut].endswith(" "):
            cut -= 1
        prompt, chosen, rejected = chosen[:cut], chosen[cut:], rejected[cut:]
    if not text_of(prompt).strip():
        raise Unusable("empty_prompt")
    _check_completions(chosen, rejected)
    return Pair(prompt, chosen, rejected)


def _shared(a: Sequence[Any], b: Sequence[Any]) -> int:
    """Length of the longest common prefix."""
    pairs = enumerate(zip(a, b, strict=False))
    return next((i for i, (x, y) in pairs if x != y), min(len(a), len(b)))


def _transcript(row: Row, key: str) -> list[Message]:
    before, *parts = HH_LABEL.split(text_of(value_of(row, key)))
    if before.strip() or not parts:
        raise Unusable("unparsable")
    return [
        _message(HH_ROLES[label], text.strip())
        for label, text in zip(parts[::2], parts[1::2], strict=True)
    ]


def _sharegpt_message(turn: Any) -> Message:
    if not isinstance(turn, dict):
        raise Unusable("malformed")
    return _message(SHAREGPT_ROLES.get(str(turn.get("from"))), turn.get("value"))


def _messages(row: Row, key: str) -> list[Message]:
    turns = list_of(row, key)
    if not all(isinstance(turn, dict) for turn in turns):
        raise Unusable("malformed")
    return [_message(turn.get("role"), turn.get("content")) for turn in turns]


def _message(role: Any, content: Any) -> Message:
    if role not in ("system", "user", "assistant"):
        raise Unusable("unknown_role")
    return Message(role=role, content=text_of(content))


def _stripped(conversation: list[Message]) -> list[Message]:
    """The conversation with the outer whitespace of its last message, the completion, removed."""
    *prompt, last = conversation
    return [*prompt, Message(role=last["role"], content=last["content"].strip())]
