"""Formats of rows with one completion: what SFT trains on, and answers judged good or bad.

They become pairs of which one side is empty; methods that compare two completions are refused
while the config is read.
"""

from typing import Any

from asft.data.messages import (
    check_answer,
    check_prompt,
    check_roles,
    messages_of,
    refuse_columns,
    stripped,
    tools_of,
    with_columns,
)
from asft.data.rows import Row, Unusable, text_of, value_of
from asft.records import Message, Pair

_GOOD = {True: True, False: False, "true": True, "false": False, "1": True, "0": False}


def sft(row: Row) -> Pair:
    """Read what SFT trains on: `messages`, or `prompt` and `completion` (both TRL's).

    Of a conversation the last answer is learnt, the turns before it are the prompt.
    """
    if row.get("messages") is None:
        return _prompt_completion(row)
    return _conversation(row, messages_of(row, "messages"))


def unpaired(row: Row) -> Pair:
    """Read one answer and whether it is good: `prompt`, `completion`, `label` (TRL's).

    Or `messages` and `kto_tag` (LLaMA-Factory's). The answer is the chosen one of a pair without a
    rejected, or the rejected one of a pair without a chosen.
    """
    tag = value_of(row, "kto_tag" if "kto_tag" in row else "label")
    good = _GOOD.get(tag.lower() if isinstance(tag, str) else tag)
    if good is None:
        raise Unusable("malformed")
    pair = sft(row)
    return pair if good else pair._replace(chosen=pair.rejected, rejected=pair.chosen)


def _prompt_completion(row: Row) -> Pair:
    prompt, completion = value_of(row, "prompt"), value_of(row, "completion")
    if isinstance(prompt, list) and isinstance(completion, list):
        answer = messages_of(row, "completion")
        if len(answer) != 1:
            raise Unusable("not_one_message")
        return _conversation(row, [*messages_of(row, "prompt"), *answer])
    refuse_columns(row)
    if not text_of(prompt).strip():
        raise Unusable("empty_prompt")
    if not text_of(completion).strip():
        raise Unusable("empty_completion")
    return Pair(prompt, completion, "")


def _conversation(row: Row, talk: list[Message]) -> Pair:
    *prompt, answer = stripped(with_columns(row, talk, system=True))
    check_roles([*prompt, answer])
    check_prompt(prompt)
    check_answer(answer)
    nothing: list[Any] = []
    return Pair(prompt, [answer], nothing, tools_of(row))
