"""Conversations as text: the chat template, its end-of-turn token, special tokens in texts.

Special tokens that somebody wrote in a message ("<|im_start|>") must stay text; so they do in plain
strings, unless the user says that a template has rendered these. They are marked here before the
template is rendered; `tokens` encodes marked pieces as ordinary text. Only added tokens flagged as
special are guarded: "<think>" and its like belong to what models say.
"""

import re
from functools import lru_cache
from typing import Any, NamedTuple

import jinja2

from asft.data.rows import Unusable
from asft.errors import UserError
from asft.records import Message, Pair

# Unicode noncharacters: no text contains them rightfully.
_OPEN, _CLOSE = "\ufdd0", "\ufdd1"
MARKED = re.compile(f"{_OPEN}(.*?){_CLOSE}", re.DOTALL)
_SAMPLE_ANSWER = "sample-answer"
# Templates run in jinja2's sandbox (transformers' own); in it they may still divide by zero, or ask
# for a range that the sandbox finds too long.
_REFUSALS = (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError)


class RenderedPair(NamedTuple):
    """The text of a pair; the completions begin where the prompt ends and end with an end token."""

    prompt: str
    chosen: str
    rejected: str


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
    prompt, chosen, rejected = pair
    if isinstance(prompt, str) or isinstance(chosen, str) or isinstance(rejected, str):
        eos = _eos(tokenizer)
        if not plain_is_rendered:
            start, *rest = (_mark(str(text), tokenizer) for text in pair)
            return RenderedPair(start, *(text + eos for text in rest))
        start, *rest = (_without_marks(str(text)) for text in pair)
        return RenderedPair(start, *(text.removesuffix(eos) + eos for text in rest))
    start = render_prompt(prompt, tokenizer)
    rests = (_render_rest(start, [*prompt, *turns], tokenizer) for turns in (chosen, rejected))
    return RenderedPair(start, *rests)


def render_prompt(prompt: list[Message], tokenizer: Any) -> str:
    """Render a conversation as the model reads it before it answers.

    Raises:
        Unusable: template_refused.
        UserError: the tokenizer has no chat template.
    """
    return _apply_template(prompt, tokenizer, add_generation_prompt=True)


def _render_rest(start: str, conversation: list[Message], tokenizer: Any) -> str:
    full = _apply_template(conversation, tokenizer)
    tail, ending = _endings(tokenizer)
    if not full.startswith(start):
        raise Unusable("template_not_prefix")
    if not full[len(start) :].endswith(tail):
        raise Unusable("template_not_suffix")
    return full[len(start) :].removesuffix(tail) + ending


@lru_cache(maxsize=4)
def _endings(tokenizer: Any) -> tuple[str, str]:
    """What the template puts after an answer, and the part of it that is to be learnt.

    The first special token ends the turn. Others may follow (Phi-3: "<|end|>\\n<|endoftext|>"), and
    newlines, which a model that has ended its turn never writes.
    """
    sample = [
        Message(role="user", content="question"),
        Message(role="assistant", content=_SAMPLE_ANSWER),
    ]
    _, found, tail = _apply_template(sample, tokenizer).rpartition(_SAMPLE_ANSWER)
    if not found:
        raise UserError(
            "the chat template does not render the assistant's answer; "
            "set models.<name>.chat_template"
        )
    end = _special_tokens(tokenizer).search(tail)
    return tail, tail[: end.end()] if end else tail.rstrip() + _eos(tokenizer)


def _apply_template(messages: list[Message], tokenizer: Any, **options: bool) -> str:
    if tokenizer.chat_template is None:
        raise UserError(
            "the model has no chat template, and the data are conversations; "
            "set models.<name>.chat_template"
        )
    marked = [{**message, "content": _mark(message["content"], tokenizer)} for message in messages]
    try:
        return str(tokenizer.apply_chat_template(marked, tokenize=False, **options))
    except _REFUSALS as error:
        raise Unusable("template_refused") from error


def _mark(content: str, tokenizer: Any) -> str:
    content = _without_marks(content)
    return _special_tokens(tokenizer).sub(f"{_OPEN}\\g<0>{_CLOSE}", content)


def _without_marks(text: str) -> str:
    """`text` without the two noncharacters: nobody but this module may mark.

    A million unclosed marks would also be searched in a million squared steps.
    """
    return text.replace(_OPEN, "").replace(_CLOSE, "")


@lru_cache(maxsize=4)
def _special_tokens(tokenizer: Any) -> re.Pattern[str]:
    """Any one special token; the longer first, since one may begin another."""
    added = tokenizer.added_tokens_decoder.values()
    names = sorted((token.content for token in added if token.special), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, names)) or "(?!)")


def _eos(tokenizer: Any) -> str:
    if tokenizer.eos_token is None:
        raise UserError("the tokenizer has no eos_token; set it in its tokenizer_config.json")
    return str(tokenizer.eos_token)
