"""Chat templates: rendered on a fixed date, and what they put where an answer ends."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any, NamedTuple

import jinja2
import jinja2.nodes

from asft.config import Model
from asft.data.control_tokens import eos_of, mark_within, special_tokens
from asft.data.rows import Unusable
from asft.errors import UserError
from asft.records import Message

# Templates run in jinja2's sandbox (transformers' own); in it they may still divide by zero, or ask
# for a range that the sandbox finds too long.
_REFUSALS = (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError)
_ANSWER = "sample-answer"
_DAY = Model.model_fields["template_date"].default.isoformat()
# Where a tokenizer keeps the date that its template writes; saved with it.
DATE = "template_date"
CLOCK = "strftime_now"  # what templates call for today's date


class Marked(NamedTuple):
    """A conversation and its tools, special tokens in them marked as text."""

    messages: list[Message]
    tools: list[Any] | None


class TurnEnd(NamedTuple):
    """What a template puts behind the last answer, and the part of it that is to be learnt."""

    tail: str
    learnt: str


def apply_template(
    messages: list[Message], tokenizer: Any, tools: list[Any] | None = None, **options: Any
) -> str:
    """Render a conversation; special tokens that its messages hold are marked as text.

    Raises:
        Unusable: template_refused.
        UserError: the tokenizer has no chat template.
    """
    marked = mark_within(messages, tokenizer), mark_within(tools, tokenizer)
    return str(_rendered(*marked, tokenizer, **options))


def apply_to_each(talks: Sequence[Marked], tokenizer: Any, **options: Any) -> list[str | Unusable]:
    """Render conversations as `apply_template` does each; of one that is refused return why.

    Args:
        talks: messages and tools, special tokens in them marked.
    """
    # A call of its own for each was a tenth of a data set's preparation.
    together = [talk.messages for talk in talks if talk.messages and not talk.tools]
    try:
        rendered = iter(_rendered(together, None, tokenizer, **options) if together else ())
    except Unusable:  # one of them
        return [_text_or_fault(talk, tokenizer, **options) for talk in talks]
    return [
        _text_or_fault(talk, tokenizer, **options)
        if talk.tools or not talk.messages
        else str(next(rendered))
        for talk in talks
    ]


def _text_or_fault(talk: Marked, tokenizer: Any, **options: Any) -> str | Unusable:
    try:
        return str(_rendered(talk.messages, talk.tools, tokenizer, **options))
    except Unusable as fault:
        return fault


def _rendered(messages: Any, tools: Any, tokenizer: Any, **options: Any) -> Any:
    """The text of a conversation, or the texts of a list of them."""
    if tokenizer.chat_template is None:
        raise UserError(
            "the model has no chat template, and the data are conversations; "
            "set models.<name>.chat_template"
        )
    try:
        _stop_clock(tokenizer, tools)
        return tokenizer.apply_chat_template(messages, tools=tools, tokenize=False, **options)
    except _REFUSALS as error:
        raise Unusable("template_refused") from error


@lru_cache(maxsize=4)
def turn_end(tokenizer: Any) -> TurnEnd:
    """Return what the template puts behind an answer, up to the token that ends the turn.

    That is the last special token of what stands behind an answer both at the end of a conversation
    and within one: of Phi-3's "<|end|>\\n<|endoftext|>" the first, of two that close every turn the
    second. Newlines behind it a model that has ended its turn never writes. Where there is no such
    token eos is put there.

    Raises:
        Unusable: template_refused.
        UserError: the template does not render answers, or there is no eos token.
    """
    asked = [Message(role="user", content="question"), Message(role="assistant", content=_ANSWER)]
    further = [Message(role="user", content="more"), Message(role="assistant", content="yes")]
    _, found, tail = apply_template(asked, tokenizer).rpartition(_ANSWER)
    if not found:
        raise UserError(
            "the chat template does not render the assistant's answer; "
            "set models.<name>.chat_template"
        )
    starts = [tail[: end.end()] for end in special_tokens(tokenizer).finditer(tail)]
    if not starts:
        return TurnEnd(tail, tail.rstrip() + eos_of(tokenizer))
    try:
        within = apply_template([*asked, *further], tokenizer).partition(_ANSWER)[2]
    except Unusable:  # a template for one turn alone
        within = ""
    of_turns = [start for start in starts if within.startswith(start)]
    return TurnEnd(tail, of_turns[-1] if of_turns else starts[0])


def turn_end_id(tokenizer: Any) -> int | None:
    """Return the token that ends an answer by the chat template.

    None where there is no template, or one that renders no plain question and answer.
    """
    if not getattr(tokenizer, "chat_template", None):
        return None
    try:
        learnt = turn_end(tokenizer).learnt
    except (Unusable, UserError):
        return None
    ends = special_tokens(tokenizer).findall(learnt)
    return int(tokenizer.convert_tokens_to_ids(ends[-1] if ends else tokenizer.eos_token))


def refuse_chance(template: str) -> None:
    """Refuse a chat template that renders one conversation in different ways.

    The date is no such thing: it is given.

    Raises:
        UserError: it draws at random, or cannot be parsed.
    """
    try:
        parsed = _compiled(template).environment.parse(template)
    except jinja2.TemplateSyntaxError as error:
        raise UserError(f"chat template, line {error.lineno}: {error.message}") from error
    if drawn := sorted(_chances(parsed)):
        raise UserError(
            f"the chat template uses {drawn[0]}, which draws at random: no two runs would have the"
            " same prompts; set models.<name>.chat_template"
        )


def _chances(parsed: jinja2.nodes.Template) -> Iterator[str]:
    """What jinja2 itself has of chance."""
    yield from (f.name for f in parsed.find_all(jinja2.nodes.Filter) if f.name == "random")
    yield from (n.name for n in parsed.find_all(jinja2.nodes.Name) if n.name == "lipsum")


def _stop_clock(tokenizer: Any, tools: list[Any] | None) -> None:
    """Give the template its own date: transformers gives it today's, and takes no other."""
    template = tokenizer.get_chat_template(tools=tools)
    if CLOCK in template:
        day = date.fromisoformat(tokenizer.init_kwargs.get(DATE, _DAY))
        _compiled(template).globals[CLOCK] = datetime.combine(day, time()).strftime


def _compiled(template: str) -> jinja2.Template:
    """The template that transformers renders, from its cache."""
    from transformers.utils.chat_template_utils import _compile_jinja_template

    compiled: jinja2.Template = _compile_jinja_template(template)
    return compiled
