"""Pairs as text: what a chat template makes of them, and what it leaves out.

A template shows what it was written for. System turns, thinking, tool calls, names: what it has no
branch for vanishes, and so would what a pair is about. Whatever a rendered pair lacks is named.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from asft.data.chat_templates import apply_template, apply_to_marked, turn_end
from asft.data.control_tokens import eos_of, mark, mark_within, without_marks
from asft.data.rows import Unusable
from asft.records import Message, Pair

# One thing under three names: transformers gives templates each of them.
_REASONING = ("reasoning_content", "reasoning", "thinking")


class RenderedPair(NamedTuple):
    """The text of a pair; the completions begin where the prompt ends and end with an end token.

    `unrendered` names what the text lacks of the pair: "system", "thinking", "text", or a field.
    """

    prompt: str
    chosen: str
    rejected: str
    unrendered: list[str]


def render_pair(pair: Pair, tokenizer: Any, *, plain_is_rendered: bool = False) -> RenderedPair:
    """Render a pair as the text that its token ids stand for.

    Conversations: a completion is what the template adds to the rendered prompt, up to and
    including its end-of-turn token; eos is appended if the template puts none. Plain strings get
    eos. If they are rendered already, as TRL takes them to be, their special tokens are control
    tokens, and no second eos is put behind one that is there.

    Raises:
        Unusable: template_refused (e.g. no system message allowed), template_not_prefix,
            template_not_suffix (the end of an answer depends on the answer).
        UserError: the tokenizer has no chat template or no eos token.
    """
    if isinstance(pair.prompt, str):
        return _render_plain(pair, tokenizer, plain_is_rendered)
    # Once, for the three texts that begin with it.
    prompt, tools = mark_within(pair.prompt, tokenizer), mark_within(pair.tools, tokenizer)
    start = apply_to_marked(prompt, tools, tokenizer, add_generation_prompt=True)
    contents, lost = [_content(message) for message in pair.prompt], set[str]()

    def rest(turns: Any) -> str:
        if not turns:  # rows of one completion
            return ""
        talk = [*pair.prompt, *turns]
        whole = apply_to_marked([*prompt, *mark_within(turns, tokenizer)], tools, tokenizer)
        said = [*contents, *map(_content, turns)]
        lost.update(_unrendered(talk, said, pair.tools, whole, tokenizer))
        return _rest(start, whole, tokenizer)

    chosen, rejected = rest(pair.chosen), rest(pair.rejected)
    return RenderedPair(start, chosen, rejected, sorted(lost))


def _render_plain(pair: Pair, tokenizer: Any, is_rendered: bool) -> RenderedPair:
    eos = eos_of(tokenizer)
    start, *rest = (
        without_marks(str(text)) if is_rendered else mark(str(text), tokenizer)
        for text in (pair.prompt, pair.chosen, pair.rejected)
    )
    if is_rendered:
        rest = [text.removesuffix(eos) for text in rest]
    chosen, rejected = (text and text + eos for text in rest)
    return RenderedPair(start, chosen, rejected, [])


def render_prompt(prompt: list[Message], tokenizer: Any, tools: list[Any] | None = None) -> str:
    """Render a conversation as the model reads it before it answers.

    Raises:
        Unusable: template_refused.
        UserError: the tokenizer has no chat template.
    """
    return apply_template(prompt, tokenizer, tools, add_generation_prompt=True)


def _rest(start: str, full: str, tokenizer: Any) -> str:
    tail, learnt = turn_end(tokenizer)
    if not full.startswith(start):
        raise Unusable("template_not_prefix")
    if not full[len(start) :].endswith(tail):
        raise Unusable("template_not_suffix")
    return full[len(start) :].removesuffix(tail) + learnt


def _unrendered(
    talk: list[Message], contents: list[str], tools: list[Any] | None, text: str, tokenizer: Any
) -> Iterator[str]:
    """What of a conversation, whose messages have these contents, is not in its text."""
    if tools and apply_template(talk, tokenizer) == text:
        yield "tools"
    given = {_field(key) for message in talk for key in message} - {"role", "content"}
    for field in sorted(given):
        without: Any = [{k: m[k] for k in m if _field(k) != field} for m in talk]  # type: ignore[literal-required]
        if apply_template(without, tokenizer, tools) == text:
            yield field
    rendered, at = _squeezed(without_marks(text)), 0
    for message, content in zip(talk, contents, strict=True):
        found = rendered.find(content, at)
        if found < 0:
            yield _kind(message, rendered, at, message is talk[-1])
        else:
            at = found + len(content)


def _content(message: Message) -> str:
    return _squeezed(without_marks(message["content"]))


def _field(key: str) -> str:
    return "reasoning" if key in _REASONING else key


def _kind(message: Message, rendered: str, at: int, is_last: bool) -> str:
    """What is missing of a message: templates cut thinking, and have no branch for system turns."""
    if message["role"] == "system":
        return "system"
    _, thought, said = message["content"].rpartition("</think>")
    if not thought or _squeezed(said) not in rendered[at:]:
        return "text"
    # Of earlier answers most templates show what was said alone: so the model will read them.
    return "thinking" if is_last else "thinking_of_earlier_turns"


def _squeezed(text: str) -> str:
    """Without whitespace, which templates trim and set as they like."""
    return "".join(text.split())
