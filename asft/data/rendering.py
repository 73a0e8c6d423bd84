"""Pairs as text: what a chat template makes of them, and what it leaves out.

A template shows what it was written for. System turns, thinking, tool calls, names: what it has no
branch for vanishes, and so would what a pair is about. Whatever a rendered pair lacks is named.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

from asft.data.chat_templates import Marked, apply_template, apply_to_each, turn_end
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
    (found,) = render_pairs([pair], tokenizer, plain_is_rendered=plain_is_rendered)
    if isinstance(found, Unusable):
        raise found
    return found


def render_pairs(
    pairs: Sequence[Pair], tokenizer: Any, *, plain_is_rendered: bool = False
) -> list[RenderedPair | Unusable]:
    """Render pairs as `render_pair` does each; of one that is unusable return why."""
    talks = iter(_render_talks([p for p in pairs if not isinstance(p.prompt, str)], tokenizer))
    return [
        _render_plain(pair, tokenizer, plain_is_rendered)
        if isinstance(pair.prompt, str)
        else next(talks)
        for pair in pairs
    ]


def _render_talks(pairs: Sequence[Pair], tokenizer: Any) -> Iterator[RenderedPair | Unusable]:
    # Marked once, for the three texts that begin with it.
    prompts = [
        Marked(*(mark_within(part, tokenizer) for part in (p.prompt, p.tools))) for p in pairs
    ]
    talks = [
        Marked([*prompt.messages, *mark_within(turns, tokenizer)], prompt.tools)
        for pair, prompt in zip(pairs, prompts, strict=True)
        for turns in _completions(pair)
    ]
    starts = apply_to_each(prompts, tokenizer, add_generation_prompt=True)
    wholes = iter(apply_to_each(talks, tokenizer))
    for pair, start in zip(pairs, starts, strict=True):
        own = [next(wholes) for _ in _completions(pair)]
        try:
            yield _render_talk(pair, start, own, tokenizer)
        except Unusable as fault:
            yield fault


def _completions(pair: Pair) -> list[Any]:
    """The completions that there are: rows of one have no other."""
    return [turns for turns in (pair.chosen, pair.rejected) if turns]


def _render_talk(
    pair: Pair, start: str | Unusable, wholes: list[str | Unusable], tokenizer: Any
) -> RenderedPair:
    """A pair of its prompt's text and the whole text with each completion that it has."""
    lost, rests = set[str](), []
    start = _text(start)
    for turns, whole in zip(_completions(pair), map(_text, wholes), strict=True):
        lost.update(_unrendered([*pair.prompt, *turns], pair.tools, whole, tokenizer))
        rests.append(_rest(start, whole, tokenizer))
    chosen, rejected = (rests.pop(0) if turns else "" for turns in (pair.chosen, pair.rejected))
    return RenderedPair(start, chosen, rejected, sorted(lost))


def _text(rendered: str | Unusable) -> str:
    if isinstance(rendered, Unusable):
        raise rendered
    return rendered


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
    talk: list[Message], tools: list[Any] | None, text: str, tokenizer: Any
) -> Iterator[str]:
    """What of a conversation is not in its text."""
    if tools and apply_template(talk, tokenizer) == text:
        yield "tools"
    given = set(chain.from_iterable(talk)) - {"role", "content"}
    for field in sorted({_field(key) for key in given}):
        without: Any = [{k: m[k] for k in m if _field(k) != field} for m in talk]  # type: ignore[literal-required]
        if apply_template(without, tokenizer, tools) == text:
            yield field
    plain = without_marks(text)
    contents = [without_marks(message["content"]) for message in talk]
    if any(end < 0 for _, end in _found([c.strip() for c in contents], plain)):
        yield from _missing(talk, [_squeezed(content) for content in contents], _squeezed(plain))


def _missing(talk: list[Message], contents: list[str], rendered: str) -> Iterator[str]:
    for message, (at, end) in zip(talk, _found(contents, rendered), strict=True):
        if end < 0:
            yield _kind(message, rendered, at, message is talk[-1])


def _found(parts: list[str], text: str) -> Iterator[tuple[int, int]]:
    """Where each part was looked for from, and where it ends: -1 where it is not."""
    at = 0
    for part in parts:
        start = text.find(part, at)
        end = start + len(part) if start >= 0 else -1
        yield at, end
        at = max(at, end)


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
