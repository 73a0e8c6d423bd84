"""Messages of a row: role, content, and what else of it a chat template may read."""

import json
from typing import Any, cast

from asft.data.rows import Row, Unusable, list_of, text_of
from asft.records import Message

SHAREGPT_ROLES = {"system": "system", "human": "user", "gpt": "assistant"}
# Columns beside a conversation that belong to it, and that no template shows as text.
BESIDE = ("images", "image", "videos", "video", "audios", "audio", "documents")
# What says nothing, or what is so without it.
_NOTHING: tuple[Any, ...] = (None, "", [], {})
_NEUTRAL = {"weight": (1, True), "train": (True, 1)}


def messages_of(row: Row, key: str) -> list[Message]:
    """Read `row[key]`, a list of `{"role": …, "content": …}` in OpenAI's manner."""
    return [message_of(turn, "role", "content") for turn in list_of(row, key)]


def sharegpt_message(turn: Any) -> Message:
    """Read a turn of ShareGPT's `{"from": …, "value": …}`."""
    if isinstance(turn, dict):
        turn = turn | {"from": SHAREGPT_ROLES.get(str(turn.get("from")))}
    return message_of(turn, "from", "value")


def message_of(turn: Any, role: str, content: str) -> Message:
    """Read one turn, its role and content under these keys; its other fields pass as they are.

    Raises:
        Unusable: malformed, unknown_role, content_not_text, invalid_unicode.
    """
    if not isinstance(turn, dict):
        raise Unusable("malformed")
    if turn.get(role) not in ("system", "user", "assistant"):
        raise Unusable("unknown_role")
    fields = {key: turn[key] for key in turn if key not in (role, content) and _says(key, turn)}
    if fields:
        try:
            text_of(json.dumps(fields, ensure_ascii=False))
        except (TypeError, ValueError):
            raise Unusable("malformed") from None
    # What only calls tools says nothing; elsewhere null is a fault.
    said = "" if turn.get(content) is None and "tool_calls" in fields else turn.get(content)
    message = Message(role=turn[role], content=_text(said))
    return cast(Message, message | fields) if fields else message


def with_columns(row: Row, conversation: list[Message], *, system: bool = False) -> list[Message]:
    """Add to a conversation what stands in columns of its own.

    A `system` column is its first turn, if there is none and `system` says so. Images and the like
    are noted on the first turn: nothing shows them.
    """
    if not conversation:
        return []
    text = text_of(row.get("system") or "") if system else ""
    if text and conversation[0]["role"] != "system":
        conversation = [Message(role="system", content=text), *conversation]
    beside = {key: True for key in BESIDE if _says(key, row)}
    first, *others = conversation
    return [cast(Message, first | beside), *others]


def tools_of(row: Row) -> list[Any] | None:
    """Read the column `tools`: a list of JSON schemas, or JSON of one; None where there is none.

    Raises:
        Unusable: malformed.
    """
    tools = row.get("tools") or None
    if isinstance(tools, str):
        try:
            tools = json.loads(tools) or None
        except ValueError:
            raise Unusable("malformed") from None
    if tools is not None and not (isinstance(tools, list) and all(type(t) is dict for t in tools)):
        raise Unusable("malformed")
    return tools


def refuse_columns(row: Row) -> None:
    """Refuse a row of plain strings with columns that only a conversation has room for.

    Raises:
        Unusable: unrendered_… the column.
    """
    for key in ("system", "tools", *BESIDE):
        if _says(key, row):
            raise Unusable(f"unrendered_{key}")


def stripped(conversation: list[Message]) -> list[Message]:
    """Return the conversation without whitespace around its last message, the completion."""
    *prompt, last = conversation
    return [*prompt, last | {"content": last["content"].strip()}]


def check_roles(conversation: list[Message]) -> None:
    """Require an optional system message, then user and assistant in turn, the assistant last.

    Raises:
        Unusable: empty_prompt, roles_not_alternating.
    """
    roles = [message["role"] for message in conversation]
    if roles[0] == "system":
        roles = roles[1:]
    if roles == ["assistant"]:
        raise Unusable("empty_prompt")
    if not roles or roles != ["user", "assistant"] * (len(roles) // 2):
        raise Unusable("roles_not_alternating")


def check_prompt(prompt: list[Message]) -> None:
    """Require that every turn of a prompt says something.

    Raises:
        Unusable: empty_prompt (its last one does not), empty_turn.
    """
    if not prompt[-1]["content"].strip():
        raise Unusable("empty_prompt")
    if not all(message["content"].strip() or "tool_calls" in message for message in prompt):
        raise Unusable("empty_turn")


def check_answer(answer: Message) -> None:
    """Require that an answer says something, or calls a tool.

    Raises:
        Unusable: empty_completion.
    """
    if not answer["content"].strip() and "tool_calls" not in answer:
        raise Unusable("empty_completion")


def _says(key: str, row: Row) -> bool:
    value = row.get(key)
    return not any(value is n or value == n for n in (*_NOTHING, *_NEUTRAL.get(key, ())))


def _text(content: Any) -> str:
    """The text of a content, which may come in parts."""
    if not isinstance(content, list):
        return text_of(content)
    if not all(isinstance(part, dict) and part.get("type") == "text" for part in content):
        raise Unusable("content_not_text")
    return "".join(text_of(part.get("text")) for part in content)
