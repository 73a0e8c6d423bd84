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

from asft.data.messages import (
    check_answer,
    check_prompt,
    check_roles,
    message_of,
    messages_of,
    refuse_columns,
    sharegpt_message,
    stripped,
    tools_of,
    with_columns,
)
from asft.data.rows import Row, Unusable, list_of, text_of, value_of
from asft.data.single_formats import sft, unpaired
from asft.records import Message, Pair

# Turns are set off by a blank line; a label inside a line belongs to what somebody said.
HH_LABEL = re.compile(r"(?:\A|\n\n)(Human|Assistant):")
HH_ROLES = {"Human": "user", "Assistant": "assistant"}


def ultrafeedback_binarized(row: Row) -> Pair:
    """Read HuggingFaceH4/ultrafeedback_binarized: whole conversations in `chosen` and `rejected`.

    The upstream script draws the rejected answer at random among the others, so ties in score
    remain; they state no preference. Where it found fewer than two answers it wrote "N/A".
    """
    chosen, rejected = messages_of(row, "chosen"), messages_of(row, "rejected")
    if value_of(row, "score_chosen") == value_of(row, "score_rejected"):
        raise Unusable("tied_scores")
    if "N/A" in (chosen[-1]["content"].strip(), rejected[-1]["content"].strip()):
        raise Unusable("empty_completion")
    return _pair_of_conversations(stripped(chosen), stripped(rejected))


def hh_rlhf(row: Row) -> Pair:
    """Read Anthropic/hh-rlhf: transcripts "\\n\\nHuman: …\\n\\nAssistant: …"; the last differs."""
    return _pair_of_conversations(_transcript(row, "chosen"), _transcript(row, "rejected"))


def sharegpt_ranking(row: Row) -> Pair:
    """Read LLaMA-Factory's ShareGPT ranking: `conversations`, `chosen`, `rejected`, maybe `system`.

    A system turn inside `conversations` wins over the column, as in LLaMA-Factory; `tools` are
    rendered where the chat template can.
    """
    talk = [sharegpt_message(turn) for turn in list_of(row, "conversations")]
    prompt = with_columns(row, talk, system=True)
    chosen = sharegpt_message(value_of(row, "chosen"))
    rejected = sharegpt_message(value_of(row, "rejected"))
    return _pair_of_conversations(
        stripped([*prompt, chosen]), stripped([*prompt, rejected]), tools_of(row)
    )


def trl(row: Row) -> Pair:
    """Read TRL's preference format: conversations or plain strings, prompt explicit or implicit.

    As in TRL, an implicit prompt is what the two completions share at their beginning, and a string
    in `prompt` beside conversations (the columns of UltraFeedback) does not count as a prompt.
    A `system` column is a system turn where the prompt has none; `tools` are as in TRL.
    """
    chosen, rejected, prompt = value_of(row, "chosen"), value_of(row, "rejected"), row.get("prompt")
    if isinstance(chosen, str):
        refuse_columns(row)
        return _plain(prompt, text_of(chosen), text_of(rejected))
    chosen, rejected = messages_of(row, "chosen"), messages_of(row, "rejected")
    if isinstance(prompt, list):
        prompt = messages_of(row, "prompt")
    else:
        prompt = chosen[: _shared(chosen, rejected)]
        chosen, rejected = chosen[len(prompt) :], rejected[len(prompt) :]
        if not chosen and not rejected:
            raise Unusable("identical_completions")
    if len(chosen) != 1 or len(rejected) != 1:
        raise Unusable("not_one_message")
    prompt = with_columns(row, prompt, system=True)
    return _pair_of_conversations([*prompt, *chosen], [*prompt, *rejected], tools_of(row))


FORMATS: dict[str, Callable[[Row], Pair]] = {
    "ultrafeedback_binarized": ultrafeedback_binarized,
    "hh_rlhf": hh_rlhf,
    "sharegpt_ranking": sharegpt_ranking,
    "trl": trl,
    "sft": sft,
    "unpaired": unpaired,
}


def _pair_of_conversations(
    chosen: list[Message], rejected: list[Message], tools: list[Any] | None = None
) -> Pair:
    for conversation in (chosen, rejected):
        check_roles(conversation)
    prompt = chosen[:-1]
    if rejected[:-1] != prompt:
        raise Unusable("context_mismatch")
    check_prompt(prompt)
    if chosen == rejected:
        raise Unusable("identical_completions")
    for answer in (chosen[-1], rejected[-1]):
        check_answer(answer)
    return Pair(prompt, chosen[-1:], rejected[-1:], tools)


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
        message_of({"role": HH_ROLES[label], "content": text.strip()}, "role", "content")
        for label, text in zip(parts[::2], parts[1::2], strict=True)
    ]
